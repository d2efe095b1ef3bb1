"""A fall, as a device in the room or on the body judges it: radar, mat, pendant or watch with its own algorithm.

A warning scores 1 (the centre asks first), an alarm 2 (a desk looks at once); when the same device still reports the
alarm STILL_S later, 3. The device's "over" ends the condition and withdraws nothing: a radar also loses sight of somebody who lies still.
Other sensors raise or lower the case in alerts (design, section 6), not here.
Source of the scores: false alarms of fall radars come from sitting down low, kneeling and pets, so one alarm alone is not yet "sure";
of old people who fell, 80 % could not get up at least once and 30 % lay an hour or more (Fleming & Brayne, BMJ 2008;337:a2227), so somebody who
is still down after a minute most likely needs help.
"""

import msgspec
import numpy as np

from contracts.kinds import Card
from stream.detector import Context, Detector, Rows, State, StateColumn, Story, fires, quiet
from stream.detectors._alarm import ROOM_NAMES, without_tests


class Params(msgspec.Struct, frozen=True):
    """How sure a device's judgement is."""

    warning_score: int = 1
    """Score of phase "warning", 0 to 4. Chosen: HEIMAN's fall_warning comes before its own fall_alarm."""
    alarm_score: int = 2
    """Score of phase "alarm", 0 to 4. Chosen (above)."""
    still_down_score: int = 3
    """Score once the alarm has lasted, 0 to 4. Chosen (above)."""
    still_s: float = 60.0
    """The alarm is repeated this long after it began, s. Chosen: who gets up alone mostly does so within a minute."""


STATE = {"since_s": StateColumn("f8", np.nan), "score": StateColumn("i1", 0)}


def observe(params: Params, state: State, rows: Rows, ctx: Context) -> None:
    """Raise, strengthen or end the episode of each device that speaks."""
    rows = without_tests(rows, ctx, score=params.alarm_score, reason="fall_room.alarm")
    subject, at_s, alarm = rows.subject, rows.event_at_s, rows["alarm"] == 1
    warning = np.array(rows.objects("phase"), dtype=object) == "warning"

    began = alarm & ~ctx.out.is_on(subject)
    fresh = subject[began]
    state.since_s[fresh] = at_s[began]
    state.score[fresh] = 0
    alarmed_before = state.score[subject] >= params.alarm_score
    down_s = at_s - state.since_s[subject]
    score = np.where(warning, params.warning_score, params.alarm_score)
    score = np.where(alarmed_before & ~warning & (down_s >= params.still_s), params.still_down_score, score)
    score = np.maximum(score, state.score[subject])
    for value, reason in (
        (params.warning_score, "fall_room.warning"),
        (params.alarm_score, "fall_room.alarm"),
        (params.still_down_score, "fall_room.still_down"),
    ):
        now = alarm & (score == value) & (score > state.score[subject])
        if now.any():
            said = rows.where(now)
            ctx.out.on(said.subject, started_at_s=state.since_s[said.subject], event_at_s=said.event_at_s, score=value, reason=reason,
                       evidence={"room": ROOM_NAMES[said.room], "down_s": down_s[now]}, rows=said)  # fmt: skip
    state.score[subject[alarm]] = score[alarm]

    over = rows.where(~alarm)
    if len(over.subject):
        ctx.out.off(
            over.subject, event_at_s=over.event_at_s, reason="fall_room.over", evidence={"room": ROOM_NAMES[over.room]}
        )
        state.score[over.subject] = 0


CARD = Card(version=1, residents=("r-1",), device_ids=("radar-1", "radar-2"), device_roles=("radar", "radar"),
            device_rooms=("bathroom", "bedroom"), device_residents=("", ""))  # fmt: skip
DOWN = {"alarm": True, "source": "radar"}
WARN = {"alarm": True, "phase": "warning", "source": "radar"}
UP = {"alarm": False, "source": "radar"}

DETECTOR = Detector(
    family="fall",
    kinds=("fall_alarm",),
    params=Params(),
    observe=observe,
    lanes=("urgent",),
    subject="device",
    state=STATE,
    cases=(
        fires("a radar's alarm", Story([(10, "radar-1", "fall_alarm", DOWN)], 20, CARD), within_s=(10, 11), last="fall_room.alarm"),
        fires("a warning that becomes an alarm is one episode",
              Story([(10, "radar-1", "fall_alarm", WARN), (18, "radar-1", "fall_alarm", DOWN)], 30, CARD), last="fall_room.alarm"),
        fires("still down a minute later",
              Story([(10 + 20 * n, "radar-1", "fall_alarm", DOWN) for n in range(4)], 90, CARD), last="fall_room.still_down"),
        fires("up again after ten seconds, and down again: two episodes",
              Story([(10, "radar-1", "fall_alarm", DOWN), (20, "radar-1", "fall_alarm", UP), (300, "radar-1", "fall_alarm", DOWN)], 310, CARD),
              episodes=2),
        fires("two radars see two falls, and one of them ends",
              Story([(10, "radar-1", "fall_alarm", DOWN), (11, "radar-2", "fall_alarm", DOWN), (12, "radar-2", "fall_alarm", UP)], 30, CARD),
              episodes=2, last="fall_room.over"),
        fires("a test is said as a test and leaves no episode behind",
              Story([(10, "radar-1", "fall_alarm", {**DOWN, "test": True}), (60, "radar-1", "fall_alarm", DOWN)], 70, CARD),
              episodes=2, last="fall_room.alarm"),
        quiet("a radar that reports that nobody has fallen", Story([(10, "radar-1", "fall_alarm", UP)], 20, CARD)),
    ),
)  # fmt: skip
