"""Draws ``docs/life-cycle.md`` from the table: ``python -m alerts.drawing`` writes it, a test compares."""

from pathlib import Path

from alerts.asking import ASKED_PER_DAY, ASKED_PRIORITY, MOST_ROUNDS, ROUND_S, SUREST_ASKED
from alerts.call_results import RESULTS
from alerts.cases import OPEN, OWNED
from alerts.lifecycle import MEANING, TABLE, Event
from alerts.outcomes import CONTACTS, UNSCRIPTED
from alerts.rules import LATCHING, REVIEW, SHIPPED
from alerts.scripts import SCRIPTS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "life-cycle.md"
_WHO: dict[str, tuple[Event, ...]] = {
    "a detection": ("queue", "ask", "test", "sound"),
    "an answer": ("well", "help", "unsure"),
    "a timer": ("no_answer", "cannot_ask", "lose_lease", "end_hold", "end_shelf", "restore"),
    "an incident": ("fold", "unfold"),
    "a person or a timer": ("close", "reopen"),
    "the end of a shift": ("leave", "take_over"),
}
"""Everything else is a person's."""
_HEAD = """# Life cycle of a case · 警情生命周期

*Drawn from `alerts/lifecycle.py` and `alerts/rules.py` by `python -m alerts.drawing`; a test compares. Change the tables, not this page.*

A case has two axes. **Condition** is what devices say: on, latched, off. **Handling** is what people do, and is drawn here.
Each change is one transaction: compare-and-swap on (case, version, lease), an audit row, an event in the outbox, and the timers.
"""
_TAIL = """MERGED: 20 homes of one town that fall silent within 15 minutes (`SHOUWANG_ALERTS_INCIDENT_HOMES`, `_S`) are one case with a list of whom to ring up;
their own technical cases are folded into it, and come back if they are silent still when it is closed (`alerts/incidents.py`).
By hand a desk folds the case that it has into another open case of the home, which takes over its signals and is as urgent from then on (`alerts/decisions.py`); that is never undone.

SUSPENDED: what begins while its device, home or area is out of service (8 h at most, by a supervisor, with a substitute where people's alarms are silent). It is shown and may be claimed; it rings at the end, when
somebody says that it works again, at a signal of what is in service, and when somebody who was asked says that help is needed (`alerts/windows.py`, `alerts/windows_keeper.py`).
"""


def page() -> str:
    """The whole page, Markdown with a Mermaid drawing."""
    return "\n".join([_HEAD, _diagram(), _table(), _conditions(), _asking(), _working(), _ending(), _times(), _TAIL])


def _diagram() -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> RAISED"]
    # One arrow for what every owner may do, else the drawing is all arrows.
    shared = [event for event in MEANING if all((handling, event) in TABLE for handling in OWNED)]
    lines.append("    state OWNED {")
    owned = [(b, e, a) for (b, e), a in TABLE.items() if b in OWNED and a in OWNED]
    lines += [f"        {before} --> {after}: {event}" for before, event, after in owned]
    lines.append("    }")
    lines += [f"    OWNED --> {TABLE[(OWNED[0], event)]}: {event}" for event in shared]
    others = [(b, e, a) for (b, e), a in TABLE.items() if b not in OWNED]
    lines += [f"    {before} --> {after}: {event}" for before, event, after in others]
    return "\n".join([*lines, "```", ""])


def _table() -> str:
    lines = ["| from | event | to | who | what it means |", "|---|---|---|---|---|"]
    for (before, event), after in TABLE.items():
        who = next((name for name, events in _WHO.items() if event in events), "a person")
        lines.append(f"| {before} | {event} | {after} | {who} | {MEANING[event]} |")
    used = {before for before, _ in TABLE} | set(TABLE.values())
    opened = ", ".join(handling for handling in OPEN if handling in used)
    return "\n".join([*lines, "", f"Open, at most one for each home and family: {opened}.", ""])


def _conditions() -> str:
    return (
        f"Latching families ({', '.join(sorted(LATCHING))}) stay latched when devices are quiet again; only a person ends them. "
        f"A technical case closes by itself when its device has stayed back for {SHIPPED.restoral_s:.0f} s and nobody works on it.\n"
    )


def _asking() -> str:
    lines = [
        "## Asking first · 先询问",
        "",
        f"A case of P{ASKED_PRIORITY} at score 0 or {SUREST_ASKED} in the families below begins as ASKING; P1 and P2 never ask. The resident is rung up "
        f"(at most {MOST_ROUNDS} times, evenly over the time, a minute apart at least), kin who have the app read the question there, and their browsers show that it waits. Desks see it, and may take it at any time.",
        "",
        "| family | asked for, s | calls |",
        "|---|---|---|",
    ]
    for family, wait_s in sorted(SHIPPED.asking_s.items()):
        lines.append(f"| {family} | {wait_s:.0f} | {min(MOST_ROUNDS, max(1, int(wait_s // ROUND_S)))} |")
    lines += [
        "",
        f"A home is asked about {ASKED_PER_DAY} cases in 24 h at most (`SHOUWANG_ALERTS_ASKED_PER_DAY`); what comes beyond that is in the queue at once, unasked, and its history says why.",
        "",
        "An answer that comes when a desk has the case, or when it is over, is kept in its history; *help* then makes it a P1, and reopens it where it was over.",
        "",
    ]
    return "\n".join(lines)


def _working() -> str:
    return "\n".join(
        [
            "## While it is worked on",
            "",
            "Whoever has the case ticks the steps of its script as they are done and writes down each call; both stand in the history, stay with the case",
            "when the desk changes, and begin anew when it is reopened. A call to the resident or a contact ended as "
            f"{', '.join(RESULTS)}.",
            "",
            f"Anybody may tell the next rung of the ladder now (all but {REVIEW}) of a case that waits, and its desk of a case that it has: then those of that rung",
            "are told although somebody has it, and nobody else is.",
            "",
        ]
    )


def _ending() -> str:
    lines = [
        "## What must be said before it is over",
        "",
        f"An outcome code; who was reached ({', '.join(CONTACTS)}; of technical cases nobody need be); the steps of the script in bold "
        f"(not where the outcome is {' or '.join(sorted(UNSCRIPTED))}). A follow-up may be promised: unless it was made by then the case comes back. "
        "A P1 needs a second look by somebody else; without one it comes back instead of closing.",
        "",
        "| family | steps |",
        "|---|---|",
    ]
    for family, steps in SCRIPTS.items():
        said = " · ".join(f"**{step.code}**" if step.required else step.code for step in steps) or "-"
        lines.append(f"| {family} | {said} |")
    return "\n".join([*lines, ""])


def _times() -> str:
    limits = ", ".join(f"P{number} {limit_s:.0f}" for number, limit_s in enumerate(SHIPPED.hold_limit_s, 1))
    lines = [
        "## Times",
        "",
        "| what | s |",
        "|---|---|",
        f"| lease of a claim, renewed by activity | {SHIPPED.lease_s:.0f} |",
        f"| longest hold | {limits} |",
        f"| longest time on the shelf (technical, P4 and P5 only) | {SHIPPED.shelf_limit_s:.0f} |",
        f"| from RESOLVED to CLOSED (comes back if devices still say so) | {SHIPPED.follow_up_s:.0f} |",
        f"| reopening keeps the id | {SHIPPED.reopen_s:.0f} |",
        "",
        "| priority | claim within, s | unclaimed for, s: who hears it |",
        "|---|---|---|",
    ]
    for priority, answer_s in sorted(SHIPPED.answer_s.items()):
        rungs = [r for r in SHIPPED.ladder if r.priority == priority]
        said = " · ".join(f"{r.after_s:.0f}: {r.who}{'' if r.enabled else ' (off)'}" for r in rungs) or "-"
        lines.append(f"| P{priority} | {answer_s:.0f} | {said} |")
    lines += ["", "The ladder counts from queueing, also for a case that came back: it does not start anew.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE} written")
