"""Whether a home can be heard at all, so that a dead hub or blind sensors are not taken for a silent person. Pure.

Devices that send ``status`` regularly teach their own rhythm: the usual longest gap between such rows of a home, once over all its
devices and once over its sensors alone (a hub may live while its radio is dead). A home that is quiet for much longer than its rhythm is *deaf*;
so is one whose hub said ``online: false``. A home that never sends ``status`` (the recordings) has no rhythm and is never deaf by this rule.
The time of deafness does not count as silence of the person, and for a while after it, and while old rows still arrive, nothing
is concluded: the buffers are being emptied.
"""

import numpy as np

from contracts.kinds import ROLES
from stream.columns import StateColumn
from stream.detector import Bools, Context, Floats, Ints, Rows, State
from stream.learning.signs import believable

HUB = ROLES.index("hub")
CARRIED_ROLES = ("wearable", "pendant")
CARRIED = np.isin(np.array(ROLES), CARRIED_ROLES)
"""Roles that leave the home with the person and so say nothing about the home."""
ANY, SENSORS = 0, 1
COUNTS = np.array([[role not in CARRIED_ROLES, role not in (*CARRIED_ROLES, "hub")] for role in ROLES])
"""By role and group: whether a row of such a device shows that the group was heard."""

BEATS = 5
"""Status rows until a rhythm is known, count. Chosen."""
DEAF_TIMES = 3.0
"""Deaf after this many usual gaps, and DEAF_S. Chosen: two lost beats are no deafness."""
DEAF_S = 60.0
"""Added to DEAF_TIMES usual gaps, s. Chosen."""
FORGET = 0.95
"""By this a usual gap shrinks with each beat that came sooner. Chosen: half is forgotten in 14 beats."""
GRACE_S = 300.0
"""Nothing is concluded for so long after deafness or an old row, s. Design: the grace after unwatched time."""
OLD_S = 600.0
"""A row that is older on arrival comes from a buffer, s. Chosen."""
BURST_S = 1800.0
"""Old rows hold a conclusion back no longer than this at a stretch, s, so that a device that is always late cannot hold it
back for ever. Chosen: a hub empties ten hours in minutes."""

STATE = {
    "heard_s": StateColumn("f8", np.nan, 2),
    "beat_s": StateColumn("f8", np.nan, 2),
    "gap_s": StateColumn("f8", 0.0, 2),
    "beats": StateColumn("i2", 0, 2),
    "hub_off_s": StateColumn("f8", np.nan),
    "deaf_from_s": StateColumn("f8", np.nan),
    "deaf_to_s": StateColumn("f8", np.nan),
    "deaf_total_s": StateColumn("f8", 0.0),
    "settle_s": StateColumn("f8", -np.inf),
    "burst_s": StateColumn("f8", -np.inf),
}
"""Columns that a home detector adds to its own."""


def hear(state: State, rows: Rows, ctx: Context) -> None:
    """Note who was heard; time of deafness that ends with these rows goes into ``deaf_total_s`` (watched s)."""
    home, came_s = rows.subject, rows.received_at_s
    counts = COUNTS[rows.role]
    beats = rows.kind == "status"
    if beats:
        online = rows["online"]
        counts = counts & (online != 0)[:, None]
        off = (online == 0) & (rows.role == HUB) & np.isnan(state.hub_off_s[home])
        state.hub_off_s[home[off]] = came_s[off]
    watched = ctx.time.watched_s
    heard_s = state.heard_s[home]
    came_watched_s = watched(came_s)
    quiet_s = came_watched_s[:, None] - watched(heard_s)
    usual_s, count = state.gap_s[home], state.beats[home]
    deaf = (count >= BEATS) & (quiet_s > DEAF_TIMES * usual_s + DEAF_S)
    if np.count_nonzero((deaf | ~np.isnan(state.hub_off_s[home])[:, None]) & counts):
        _end_deafness(state, home, came_s, deaf & counts, counts, ctx)
    state.heard_s[home] = np.where(counts, np.fmax(heard_s, came_s[:, None]), heard_s)
    if beats:
        gap_s = np.nan_to_num(came_watched_s[:, None] - watched(state.beat_s[home]))
        grown_s = np.where(count < BEATS, gap_s, np.minimum(gap_s, 2.0 * usual_s + DEAF_S))
        state.gap_s[home] = np.where(counts, np.maximum(usual_s * FORGET, grown_s), usual_s)
        state.beats[home] = np.where(counts, np.minimum(count + 1, BEATS), count)
        beat_s = state.beat_s[home]
        state.beat_s[home] = np.where(counts, np.fmax(beat_s, came_s[:, None]), beat_s)

    old = believable(rows) & (came_s - rows.event_at_s > OLD_S)
    if np.count_nonzero(old):
        home, came_s = home[old], came_s[old]
        again = came_s - state.settle_s[home] > OLD_S
        state.burst_s[home] = np.where(again, came_s, np.maximum(state.burst_s[home], -np.inf))
        until_s = np.minimum(came_s + GRACE_S, state.burst_s[home] + BURST_S)
        state.settle_s[home] = np.maximum(state.settle_s[home], until_s)


def _end_deafness(state: State, homes: Ints, came_s: Floats, deaf: Bools, counts: Bools, ctx: Context) -> None:
    """Deafness of these homes ends where a row counts: for the whole home first, then for its sensors. ``deaf``, ``counts``: ``[rows, 2]``."""
    watched = ctx.time.watched_s
    for group in (ANY, SENSORS):
        was_off = ~np.isnan(state.hub_off_s[homes])
        ends = counts[:, group] & (deaf[:, group] | was_off)
        who, now_s = homes[ends], came_s[ends]
        from_s = np.fmax(np.where(was_off[ends], state.hub_off_s[who], state.heard_s[who, group]), state.deaf_to_s[who])
        lost_s = watched(now_s) - watched(np.minimum(from_s, now_s))
        state.deaf_total_s[who] += lost_s
        state.deaf_from_s[who] = np.where(lost_s > 0, from_s, state.deaf_from_s[who])
        state.deaf_to_s[who] = now_s
        state.hub_off_s[who] = np.nan
        state.settle_s[who] = np.maximum(state.settle_s[who], now_s + GRACE_S)


def deaf(state: State, homes: Ints, ctx: Context) -> Bools:
    """Homes from which nothing can be concluded at ``now_s``: deaf, or still emptying their buffers."""
    now_s = ctx.time.now_s
    cannot = ~np.isnan(state.hub_off_s[homes]) | (now_s < state.settle_s[homes])
    for group in (ANY, SENSORS):
        quiet_s = ctx.time.watched_s(now_s) - ctx.time.watched_s(state.heard_s[homes, group])
        cannot |= _rhythm_known(state, homes, group) & (quiet_s > _longest_s(state, homes, group))
    return np.asarray(cannot)


def forget_deafness(state: State, homes: Ints, sign_s: Floats) -> None:
    """After a new sign of life: deafness before it is no part of the silence that begins with it. A sign from within the deaf
    time shows that the home's buffer kept it, so the time after it was not lost either."""
    later = homes[~(sign_s < state.deaf_from_s[homes])]
    state.deaf_total_s[later] = 0.0


def _rhythm_known(state: State, homes: Ints, group: int) -> Bools:
    return np.asarray(state.beats[homes, group] >= BEATS)


def _longest_s(state: State, homes: Ints, group: int) -> Floats:
    return np.asarray(DEAF_TIMES * state.gap_s[homes, group] + DEAF_S)
