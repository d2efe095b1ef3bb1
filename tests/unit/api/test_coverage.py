"""Coverage: protected, degraded, blind; and "well" is never said of one who is not protected."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts.coverage import LIFE, MAINS, Device, OutOfService, coverage_of
from api.coverage import (
    BATTERY_S,
    HUB_S,
    MAINS_S,
    WEARABLE_S,
    View,
    coverage,
    device_states,
    limit_s,
    quiet_after_s,
    word_for_family,
)
from contracts.kinds import LINES, ROLES
from stream.detectors import device_silent

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def device(role: str = "motion", ago_s: float | None = None, device_id: str = "d-1", **other: bool) -> Device:
    """``ago_s``: the stream says that it is silent, since then."""
    since = None if ago_s is None else NOW - timedelta(seconds=ago_s)
    return Device(device_id=device_id, role=role, room="living", silent_since=since, **other)


def see(*devices: Device, **other: Any) -> View:
    return View(kept=coverage_of(devices), **({"source_now": NOW} | other))


def test_all_devices_speaking_is_protected() -> None:
    found = coverage(see(device(), device("stove", device_id="d-2")))
    assert (found.state, found.reasons, found.cannot_see_since) == ("protected", [], None)


def test_one_silent_device_degrades_and_is_named_in_both_languages() -> None:
    found = coverage(see(device(), device("stove", ago_s=601, device_id="stove-1")))
    (reason,) = found.reasons
    assert found.state == "degraded"
    assert "stove-1" in reason.zh
    assert "灶具" in reason.zh
    assert "stove-1" in reason.en


def test_a_silent_hub_makes_the_flat_blind_and_never_all_is_well() -> None:
    found = coverage(see(device(), device("hub", ago_s=HUB_S, device_id="hub-1")))
    assert (found.state, found.cannot_see_since) == ("blind", NOW - timedelta(seconds=HUB_S))


def test_a_stove_or_a_watch_that_speaks_beside_a_silent_hub_still_shows_life() -> None:
    for role in ("stove", "wearable"):
        assert coverage(see(device(role), device("hub", ago_s=HUB_S, device_id="hub-1"))).state == "degraded"


def test_one_hub_of_two_that_still_speaks_leaves_the_flat_degraded() -> None:
    hubs = device("hub", ago_s=HUB_S, device_id="hub-1"), device("hub", device_id="hub-2")
    assert coverage(see(device(), *hubs)).state == "degraded"


def test_when_nothing_that_shows_life_speaks_it_is_blind_since_the_last_word() -> None:
    found = coverage(
        see(device(ago_s=BATTERY_S), device(ago_s=BATTERY_S + 9, device_id="d-2"), device("hub", device_id="hub-1"))
    )
    assert (found.state, found.cannot_see_since) == ("blind", NOW - timedelta(seconds=BATTERY_S))


def test_a_home_with_only_a_smoke_alarm_cannot_show_life() -> None:
    assert coverage(see(device("smoke"))).reasons[0].key == "coverage.no_device"


def test_a_device_that_never_spoke_is_silent() -> None:
    assert coverage(see(device(), device("door", heard=False, device_id="d-2"))).state == "degraded"
    assert coverage(see(device(heard=False))).reasons[0].key == "coverage.never_heard"


def test_without_the_sources_clock_nothing_is_known() -> None:
    assert coverage(see(device(), source_now=None)).state == "blind"


def test_a_home_that_nobody_has_worked_out_is_blind_and_says_why() -> None:
    found = coverage(View(source_now=NOW))
    assert (found.state, found.reasons[0].key) == ("blind", "coverage.not_counted")


def test_a_device_that_nobody_registered_does_not_protect_anybody() -> None:
    assert coverage(see(device(bound=False))).state == "blind"
    assert coverage(see(device(), device(ago_s=99_999, device_id="d-2", bound=False))).state == "protected"


def test_a_standing_pipeline_blinds_whatever_the_devices_say() -> None:
    found = coverage(see(device(), standing=True, seen_until=NOW - timedelta(minutes=3)))
    assert (found.state, found.cannot_see_since) == ("blind", NOW - timedelta(minutes=3))


def test_limits_are_those_of_the_detector_of_silent_devices() -> None:
    params = device_silent.Params()
    assert (params.hub_s, params.mains_s, params.worn_s, params.battery_s) == (HUB_S, MAINS_S, WEARABLE_S, BATTERY_S)
    assert set(device_silent.MAINS) == MAINS
    assert limit_s("wearable", worn=True) == WEARABLE_S
    assert limit_s("wearable") == BATTERY_S


def test_a_device_is_silent_when_the_stream_says_so_and_not_by_an_account_that_comes_late() -> None:
    row = {"device_id": "d", "role": "hub", "room": "living", "bound": True, "worn": False}
    late = NOW - timedelta(seconds=10 * HUB_S)
    (speaks,) = device_states([row | {"last_seen_at": late, "silent": False}])
    (silent,) = device_states([row | {"last_seen_at": NOW, "silent": True}])
    (never,) = device_states([row | {"last_seen_at": None, "silent": False}])
    assert (speaks.silent, silent.silent, never.silent) == (False, True, True)


DEVICES = st.lists(
    st.builds(
        Device,
        device_id=st.just("d"),
        role=st.sampled_from(ROLES),
        room=st.just("living"),
        bound=st.booleans(),
        heard=st.booleans(),
        silent_since=st.none() | st.floats(0, 3e5).map(lambda ago_s: NOW - timedelta(seconds=ago_s)),
    ),
    max_size=5,
)


@given(
    devices=DEVICES,
    standing=st.booleans(),
    known=st.booleans(),
    alert=st.sampled_from([None, "nobody", "someone"]),
    silence_s=st.none() | st.floats(0, 1e6),
)
def test_well_is_never_said_of_one_who_is_not_protected(devices, standing, known, alert, silence_s) -> None:  # type: ignore[no-untyped-def]
    state = coverage(see(*devices, standing=standing, source_now=NOW if known else None)).state
    word = word_for_family(state, alert=alert, silence_s=silence_s, quiet_s=3600)
    if state == "protected":
        assert known
        assert not standing
        assert not any(device.silent for device in devices if device.bound)
        assert any(device.role in LIFE for device in devices if device.bound)
    if word == "well":
        assert state == "protected"
        assert alert is None
        assert silence_s is not None
        assert silence_s <= 3600
    if alert is not None:
        assert word == "alert"


@given(devices=DEVICES)
def test_another_silence_never_makes_anybody_better_seen(devices: list[Device]) -> None:
    order = ("protected", "degraded", "blind")
    before = order.index(coverage_of(devices).state)
    for place, silent in enumerate(devices):
        worse = [*devices]
        worse[place] = msgspec.structs.replace(silent, silent_since=NOW)
        assert order.index(coverage_of(worse).state) >= before


def test_learned_lines_decide_what_is_quiet_and_cautious_ones_before_that() -> None:
    lines = [30] * 24 + [20] * 24 + [40] * 24 + [25] * 72
    assert quiet_after_s(lines, 14) == 2400, "the longest of the places"
    assert quiet_after_s((), 14) == 4 * 3600
    assert quiet_after_s((), 23) == 10 * 3600
    assert quiet_after_s([-1] * LINES, 3) == 10 * 3600, "an hour of which nothing was learned"


def out(**fields: Any) -> OutOfService:
    return OutOfService(**({"from_at": NOW, "until": "11-23 14:00", "substitute": "a neighbour"} | fields))


def test_a_home_out_of_service_says_until_when_and_who_instead() -> None:
    found = coverage(View(kept=coverage_of([device()], [out()]), source_now=NOW))
    assert found.state == "blind"
    assert [reason.en for reason in found.reasons] == ["out of service until 11-23 14:00, substitute: a neighbour"]
    assert [reason.zh for reason in found.reasons] == ["停用至 11-23 14:00，替代措施：a neighbour"]


def test_the_only_device_that_sees_somebody_out_of_service_makes_the_home_blind() -> None:
    both = [device(), device("stove", device_id="d-2")]
    assert coverage_of(both, [out(device_id="d-1")]).state == "degraded"
    assert coverage_of(both[:1], [out(device_id="d-1")]).state == "blind"


@given(st.lists(st.sampled_from(sorted(ROLES)), max_size=4), st.booleans(), st.sampled_from([None, "d-0", "d-9"]))
def test_nothing_out_of_service_is_ever_protected(roles: list[str], technical: bool, named: str | None) -> None:
    devices = [device(role, device_id=f"d-{number}") for number, role in enumerate(roles)]
    found = coverage_of(devices, [out(technical_only=technical, device_id=named)])
    assert found.state != "protected"
    assert "out_of_service" in {reason.key for reason in found.reasons}
