"""Messages through frames and engines without services: what ``detect`` runs, and what a replay must find as well."""

from collections.abc import Iterable, Iterator, Mapping

from contracts.detections import Detection
from contracts.kinds import Card
from contracts.topics import PARTITIONS
from ingest.intake import Lane
from ingest.offline import frames_of
from ingest.refusals import Refusal
from stream.detector import Detector
from stream.engine import Engine
from stream.instance import Trouble


def detections_of(
    messages: Iterable[tuple[str, bytes]],
    cards: Mapping[str, Card],
    detectors: Mapping[str, Detector],
    *,
    partitions: int = PARTITIONS,
    refused: list[tuple[str, Refusal]] | None = None,
    troubles: list[Trouble] | None = None,
) -> Iterator[Detection]:
    """What the detectors say to messages (topic, payload) in order, both lanes, as they say it. ``cards`` by home id, known from the start."""
    engines: dict[tuple[Lane, int], Engine] = {}
    for frame in frames_of(messages, "offline", partitions, refused=refused):
        key = (frame.lane, frame.partition)
        engine = engines.get(key)
        if engine is None:
            engine = engines[key] = Engine(frame.partition, frame.lane, detectors)
            engine.put_cards(cards.items())
        yield from engine.apply_value(frame.value)
        if troubles is not None:
            troubles.extend(engine.troubles)
        engine.troubles.clear()
