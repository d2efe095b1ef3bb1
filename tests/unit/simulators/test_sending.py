"""The way from devices to accounts: order, numbers, bundles, delay."""

from collections import defaultdict
from itertools import pairwise

import msgspec

from simulators.clock import midnight_s
from simulators.neighbourhood import neighbourhood
from simulators.schedule import story
from simulators.sending import Away, Message, Numbers, absences, messages, native

START_S = midnight_s(20_000)
HOME = neighbourhood(3, seed=5)[2]  # its watch has an account of its own


def told(away: list[Away], hours: float = 6) -> list[Message]:
    return list(messages(HOME, story(HOME, START_S + 6 * 3600, START_S + (6 + hours) * 3600).sensed, away))


def test_messages_leave_in_order_and_no_reading_leaves_before_it_was_measured() -> None:
    sent = told([])
    assert all(before.at_s <= after.at_s for before, after in pairwise(sent))
    assert all(reading.at_s <= message.at_s for message in sent for reading in message.readings)


def test_an_absent_hub_sends_afterwards_what_it_kept_with_the_time_of_its_measurement() -> None:
    gap = Away(START_S + 7 * 3600, START_S + 8 * 3600, True)
    sent = told([gap])
    by_hub = [message for message in sent if message.account_device == "hub"]
    assert not [message for message in by_hub if gap.from_s + 1 < message.at_s < gap.to_s]
    late = [reading for message in by_hub for reading in message.readings if message.at_s - reading.at_s > 600]
    assert len(late) > 50
    assert all(gap.from_s <= reading.at_s <= gap.to_s for reading in late)
    calm = {(r.device_id, r.at_s, r.kind) for m in told([]) for r in m.readings if r.device_id != "hub"}
    assert {(r.device_id, r.at_s, r.kind) for m in sent for r in m.readings if r.device_id != "hub"} == calm


def test_a_watch_with_its_own_account_does_not_wait_for_the_hub() -> None:
    sent = told([Away(START_S + 7 * 3600, START_S + 8 * 3600, True)])
    own = [m for m in sent if m.account_device == "watch4g" and START_S + 7 * 3600 < m.at_s < START_S + 8 * 3600]
    assert len(own) > 20


def test_numbers_have_no_hole_but_those_on_purpose() -> None:
    numbers = Numbers(START_S, skips=[(HOME.home_id, "hub", 7), (HOME.home_id, "hub", 8)])
    seen: dict[str, list[int]] = defaultdict(list)
    for message in told([], hours=1):
        seen[message.account_device] += numbers.take(message)
    assert seen["watch4g"] == list(range(1, len(seen["watch4g"]) + 1))
    assert seen["hub"] == [n for n in range(1, len(seen["hub"]) + 3) if n not in (7, 8)]
    assert numbers.skipped == 2


def test_a_native_message_names_the_child_and_both_times() -> None:
    message = next(m for m in told([]) if m.account_device == "hub" and len(m.readings) > 3)
    body = msgspec.json.decode(
        msgspec.json.encode(native(message, 5, list(range(1, len(message.readings) + 1)), message.at_s + 2))
    )
    assert [element["seq"] for element in body] == list(range(1, len(message.readings) + 1))
    assert all(element["boot"] == 5 and element["t"] <= element["sent"] for element in body)
    assert [element.get("device") for element in body] == [r.device_id for r in message.readings]


def test_hiccups_are_short_few_and_apart_from_what_is_planned() -> None:
    planned = (START_S + 40_000, START_S + 41_000)
    found = absences(HOME, START_S, START_S + 30 * 86_400, [planned])
    assert 90 < len(found) < 300
    for away in found:
        if (away.from_s, away.to_s) != planned:
            assert away.to_s - away.from_s <= 25
            assert not away.abrupt
            assert away.to_s + 60 < planned[0] or away.from_s > planned[1] + 60
