"""The one job in Bytewax: a stateful map by resident; with ``recovery`` its state goes into SQLite files each epoch.

Arguments: broker, input, output, group (not needed), folder, mode (recovery or memory), seconds of an epoch, partitions (not needed).
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax._bytewax import cli_main
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir

BROKER, INPUT, OUTPUT, _, FOLDER, MODE, SAVE_S, _ = sys.argv[1:]
WINDOW, LINE_BPM = 10, 110
Kept = tuple[list[int], bool]


def look(kept: Kept | None, reading: dict[str, Any]) -> tuple[Kept, dict[str, Any] | None]:
    """State after this reading, and what is to be said, if anything."""
    window, was_high = kept or ([], False)
    window = [*window[-(WINDOW - 1) :], reading["bpm"]]
    high = len(window) == WINDOW and sum(window) >= LINE_BPM * WINDOW
    said = {"resident": reading["resident"], "at_s": reading["at_s"]} if high and not was_high else None
    return (window, high), said


def as_message(keyed: tuple[str, dict[str, Any] | None]) -> Any:
    """For Kafka; nothing for a reading after which nothing is to be said."""
    resident, said = keyed
    return None if said is None else KafkaSinkMessage(resident.encode(), json.dumps(said).encode())


flow = Dataflow("job")
source = op.input("in", flow, KafkaSource([BROKER], [INPUT], batch_size=1000))
keyed = op.map("decode", source, lambda message: (message.key.decode(), json.loads(message.value)))
told = op.filter_map("said", op.stateful_map("look", keyed, look), as_message)
op.output("out", told, KafkaSink([BROKER], OUTPUT))

if __name__ == "__main__":
    recovery = None
    if MODE == "recovery":
        init_db_dir(Path(FOLDER), 1)
        recovery = RecoveryConfig(FOLDER)
    cli_main(flow, workers_per_process=1, epoch_interval=timedelta(seconds=float(SAVE_S)), recovery_config=recovery)
