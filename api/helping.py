"""How one who was asked to go there goes on: asked, accepted, on the way, arrived, left. Pure."""

from typing import Literal

State = Literal["accepted", "declined", "on_way", "arrived", "left"]

BEFORE: dict[State, tuple[str, ...]] = {
    "accepted": ("asked",),
    "declined": ("asked", "accepted", "on_way"),
    "on_way": ("accepted",),
    "arrived": ("accepted", "on_way"),
    "left": ("arrived",),
}
"""From where each step may be made. A step that was made is not made again, so a repeat changes nothing."""

WORDS: dict[State, tuple[str, str]] = {
    "accepted": ("已接受", "accepted"), "declined": ("不能去", "cannot go"), "on_way": ("已出发", "is on the way"),
    "arrived": ("已到达", "has arrived"), "left": ("已离开", "has left"),
}  # fmt: skip
RESULTS = {
    "well": ("平安", "well"), "helped": ("已帮助", "helped"), "handed_over": ("已交给医生", "handed over to medicine"),
    "not_met": ("未见到", "not met"), "needs_more": ("还需要帮助", "more is needed"),
}  # fmt: skip


def words(
    name: str, state: State, *, arrived_after_s: float | None, late: bool | None, result: str | None, note: str
) -> str:
    """What stands in the case's history, in both languages."""
    zh, en = WORDS[state]
    more = ""
    if state == "arrived" and arrived_after_s is not None:
        minutes = arrived_after_s / 60.0
        more = f"，{minutes:.0f} 分钟{'（超时）' if late else ''} · after {minutes:.0f} min{' (late)' if late else ''}"
    if result is not None:
        more = f"：{RESULTS[result][0]} · {RESULTS[result][1]}"
    return f"{name} {zh} · {en}{more}{f'（{note}）' if note else ''}"
