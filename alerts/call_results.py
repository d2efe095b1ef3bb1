"""How a call went that a desk made about a case. Chinese first, then English; the order is that of the number keys of the console.

Chosen: what an operator knows at the moment the line is over, and what tells the next one whether to try that number again.
"""

from typing import NamedTuple


class Result(NamedTuple):
    """How one call ended."""

    zh: str
    en: str


RESULTS: dict[str, Result] = {
    "reached": Result("已接通", "Reached"),
    "no_answer": Result("无人接听", "No answer"),
    "busy": Result("占线", "Busy"),
    "switched_off": Result("关机或不在服务区", "Switched off or out of reach"),
    "wrong_number": Result("号码有误", "Wrong number"),
}
MOST_RESULTS = 9
"""A result is chosen by one number key."""
