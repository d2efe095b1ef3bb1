"""Detection without services: frames through the engines of both lanes, as they stand.

What is said here is what the workers say of the same frames, with the same ids and revisions.
"""

from collections.abc import Iterable, Iterator, Mapping

from contracts.detections import Detection
from contracts.kinds import Card
from stream.detector import Detector
from stream.engine import GRACE_S, GRID_S, Engine
from stream.instance import Trouble
from stream.registry import discover
from stream.settings import Lane


def detect(
    frames: Iterable[tuple[Lane, int, bytes]], detectors: Mapping[str, Detector] | None = None, *,
    cards: Mapping[str, Card] | None = None, troubles: list[Trouble] | None = None, grid_s: float = GRID_S, grace_s: float = GRACE_S,
) -> Iterator[Detection]:  # fmt: skip
    """Detections of frames (lane, partition, Kafka value), in the order in which they are decided.

    ``detectors``: those to run, else all that are shipped. ``cards``: of homes, known from the start. ``troubles`` takes what detectors could not
    bear; a detection ``detector_error`` says so too, as it does in the workers. Raises FrameError for a value that is no frame, BrokenDetector.
    """
    running = discover() if detectors is None else detectors
    engines: dict[tuple[Lane, int], Engine] = {}
    for lane, partition, value in frames:
        engine = engines.get((lane, partition))
        if engine is None:
            engine = engines[lane, partition] = Engine(partition, lane, running, grid_s=grid_s, grace_s=grace_s)
            engine.put_cards((cards or {}).items())
        yield from engine.apply_value(value)
        if troubles is not None:
            troubles.extend(engine.troubles)
        engine.troubles.clear()
