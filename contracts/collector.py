"""How often Python looks for cycles of garbage in a stage.

By default it looks after every 700 objects made. What a stage makes by the thousand a second, and keeps until Kafka or the database has answered, would
be walked through again and again, and none of it is ever a cycle: 4 of the bridge's 33 us a message went there.
"""

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 50
"""Objects made, and passes of the generation before, until a generation is looked through. Chosen: a load of 14,000 messages a second makes the youngest
pass come about once a second."""


def collect_rarely() -> None:
    """For a stage at its start: what is there by now stays and is never walked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
