"""The one job in Quix Streams: state in RocksDB, each change in a changelog topic.

Arguments: broker, input, output, group, folder, mode (changelog), seconds between commits, partitions (not needed).
"""

import sys
from typing import Any

from quixstreams import Application, State

BROKER, INPUT, OUTPUT, GROUP, FOLDER, MODE, SAVE_S, _ = sys.argv[1:]
WINDOW, LINE_BPM = 10, 110

app = Application(
    broker_address=BROKER,
    consumer_group=GROUP,
    auto_offset_reset="earliest",
    state_dir=FOLDER,
    commit_interval=float(SAVE_S),
    use_changelog_topics=MODE == "changelog",
    loglevel="WARNING",
)
output = app.topic(OUTPUT, value_serializer="json")


def look(reading: dict[str, Any], state: State) -> dict[str, Any] | None:
    """What is to be said after this reading, if anything."""
    window, was_high = state.get("kept", default=([], False))
    window = [*window[-(WINDOW - 1) :], reading["bpm"]]
    high = len(window) == WINDOW and sum(window) >= LINE_BPM * WINDOW
    state.set("kept", (window, high))
    return {"resident": reading["resident"], "at_s": reading["at_s"]} if high and not was_high else None


frame = app.dataframe(app.topic(INPUT, key_deserializer="bytes", value_deserializer="json"))
frame = frame.apply(look, stateful=True)
frame = frame[frame.apply(lambda said: said is not None)]
frame = frame.to_topic(output)

if __name__ == "__main__":
    app.run()
