"""The one job in plain Faust, one reading at a time: with a Table (each change in a changelog topic) or a plain dict.

Arguments: broker, input, output, group, folder, mode (table or dict), seconds between commits, partitions.
"""

import sys
from typing import Any

import faust

BROKER, INPUT, OUTPUT, GROUP, FOLDER, MODE, SAVE_S, PARTITIONS = sys.argv[1:]
WINDOW, LINE_BPM = 10, 110

app = faust.App(
    GROUP,
    broker=f"kafka://{BROKER}",
    datadir=FOLDER,
    store="memory://",
    web_enabled=False,
    topic_partitions=int(PARTITIONS),
    topic_replication_factor=1,
    broker_commit_interval=float(SAVE_S),
)
readings = app.topic(INPUT, key_type=bytes, key_serializer="raw", value_serializer="json")
output = app.topic(OUTPUT, value_serializer="json", partitions=1)
kept: Any = app.Table("kept", partitions=int(PARTITIONS)) if MODE == "table" else {}


@app.agent(readings)
async def look(stream: Any) -> None:
    """Follow each resident; say where the mean rises over the line."""
    async for reading in stream:
        resident = reading["resident"]
        window, was_high = kept.get(resident) or ([], False)
        window = [*window[-(WINDOW - 1) :], reading["bpm"]]
        high = len(window) == WINDOW and sum(window) >= LINE_BPM * WINDOW
        kept[resident] = (window, high)
        if high and not was_high:
            await output.send(value={"resident": resident, "at_s": reading["at_s"]})


if __name__ == "__main__":
    sys.argv[1:] = ["worker", "-l", "warn", "--without-web"]
    app.main()
