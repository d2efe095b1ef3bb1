"""What home cards say, as columns."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from contracts.kinds import LINES, ROLES, ROOMS, Card
from stream.cards import CARD_FIELDS, HomeCards, KeptCards, OwnCards, brought_up, pack_card, unpack_card

CARD = Card(
    version=3, care_level=2, residents=("r-1",), device_ids=("door-1", "pir-1"), device_roles=("entrance_door", "motion"),
    device_rooms=("entrance", "kitchen"), device_residents=("", "r-1"), away_until_s=5.0, learned_days=9, silence_min=tuple(range(LINES)),
    threshold_names=("inactivity.factor",), threshold_values=(2.5,),
)  # fmt: skip


def test_a_home_without_a_card_has_cautious_defaults() -> None:
    cards = HomeCards()
    home, device = cards.home("h"), cards.device("h", "x")
    assert (cards.known[home], cards.residents[home], cards.has_entrance_door[home]) == (False, 1, False)
    assert np.isnan(cards.away_until_s[home])
    assert np.isnan(cards.silence_min[home]).all()
    assert (ROLES[cards.device_role[device]], ROOMS[cards.device_room[device]], cards.device_known[device]) == (
        "other",
        "other",
        False,
    )


def test_a_card_binds_devices_also_those_that_have_spoken_before() -> None:
    cards = HomeCards()
    before = cards.device("h", "pir-1")
    assert cards.apply("h", CARD)
    assert cards.device("h", "pir-1") == before
    assert ROOMS[cards.device_room[before]] == "kitchen"
    assert cards.has_entrance_door[0]
    assert cards.silence_min[0, 71] == 71


def test_an_older_card_that_arrives_later_changes_nothing() -> None:
    cards = HomeCards()
    cards.apply("h", CARD)
    assert not cards.apply("h", Card(version=2, care_level=5))
    assert cards.care_level[0] == 2


def test_a_device_that_left_the_card_is_unbound() -> None:
    cards = HomeCards()
    cards.apply("h", CARD)
    cards.apply(
        "h",
        Card(
            version=4,
            device_ids=("pir-1",),
            device_roles=("motion",),
            device_rooms=("bedroom",),
            device_residents=("",),
        ),
    )
    assert cards.device_known[[cards.device("h", "door-1"), cards.device("h", "pir-1")]].tolist() == [False, True]
    assert not cards.has_entrance_door[0]


def test_a_removed_home_is_unknown_again() -> None:
    cards = HomeCards()
    cards.apply("h", CARD)
    cards.apply("h", Card(version=4, removed=True))
    assert not cards.known[0]
    assert not cards.device_known[:2].any()


def test_a_threshold_of_one_home_is_its_own_and_ends_with_its_card() -> None:
    cards = HomeCards()
    cards.apply("h", CARD)
    cards.apply("other", Card(version=1))
    assert cards.threshold("inactivity.factor", np.array([0, 1]), 1.5).tolist() == [2.5, 1.5]
    assert cards.threshold("gas.level", np.array([0]), 7.0).tolist() == [7.0]
    cards.apply("h", Card(version=4))
    assert cards.threshold("inactivity.factor", np.array([0]), 1.5).tolist() == [1.5]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/London", "Asia/Kathmandu", "America/St_Johns"])
def test_the_local_hour_follows_the_zone_and_its_changes(zone: str) -> None:
    cards = HomeCards()
    cards.apply("h", Card(version=1, zone=zone))
    for month in (1, 3, 7, 10):
        at = datetime(2026, month, 29, 1, 30, tzinfo=ZoneInfo("UTC"))
        local = at.astimezone(ZoneInfo(zone))
        assert cards.local_hour(np.array([0]), at.timestamp()) == pytest.approx([local.hour + local.minute / 60])


def test_an_unknown_zone_counts_as_shanghai_and_no_instant_has_no_hour() -> None:
    cards = HomeCards()
    cards.apply("h", Card(version=1, zone="Moon/Crater"))
    midnight = datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    assert cards.local_hour(np.array([0, 0]), np.array([midnight, np.nan])).tolist()[0] == 0.0
    assert np.isnan(cards.local_hour(np.array([0]), np.nan)).all()


def test_whom_a_device_concerns() -> None:
    cards = HomeCards()
    cards.apply("h", CARD)
    assert cards.resident_of(0, cards.device("h", "pir-1")) == "r-1"
    cards.apply("two", Card(version=1, residents=("r-1", "r-2")))
    assert cards.resident_of(cards.home("two"), -1) is None


def test_a_snapshot_gives_the_same_indices_and_cards() -> None:
    cards = HomeCards()
    cards.device("stranger", "x")
    cards.apply("h", CARD)
    again = HomeCards()
    again.restore(cards.packed())
    assert (list(again.home_ids), list(again.device_ids)) == (list(cards.home_ids), list(cards.device_ids))
    assert again.device_room[: len(again.device_ids)].tolist() == cards.device_room[: len(cards.device_ids)].tolist()
    assert again.threshold("inactivity.factor", np.array([1]), 1.5).tolist() == [2.5]


def test_what_is_usual_with_a_resident_is_asked_by_device() -> None:
    cards = HomeCards()
    names, values = ("usual.body_c@r-1", "usual.body_c@r-2"), (36.2, 36.9)
    shared = Card(
        version=1, residents=("r-1", "r-2"), device_ids=("w-1", "w-2", "round"), device_roles=("wearable",) * 3, device_rooms=("other",) * 3,
        device_residents=("r-1", "r-2", ""), threshold_names=names, threshold_values=values,
    )  # fmt: skip
    cards.apply("h", shared)
    devices = cards.devices([("h", "w-1"), ("h", "w-2"), ("h", "round"), ("h", "stranger"), ("elsewhere", "w-1")])
    assert cards.usual("usual.body_c", devices) == pytest.approx([36.2, 36.9, np.nan, np.nan, np.nan], nan_ok=True)
    assert np.isnan(cards.usual("usual.nothing", devices)).all()
    again = HomeCards()
    again.restore(cards.packed())
    assert again.usual("usual.body_c", devices[:2]).tolist() == [36.2, 36.9]
    cards.apply("h", Card(version=2, residents=("r-1", "r-2")))
    assert np.isnan(cards.usual("usual.body_c", devices)).all()


def test_a_packed_card_is_the_card_again_also_to_a_program_with_other_fields() -> None:
    assert unpack_card(pack_card(CARD)) == CARD
    fields = (*(name for name in CARD_FIELDS if name != "learned_days"), "of_a_later_version")
    values = [getattr(CARD, name) for name in fields[:-1]]
    packed = msgspec.msgpack.encode(([*values, 7], b""))
    assert unpack_card(brought_up(packed, fields)) == msgspec.structs.replace(CARD, learned_days=0)


def test_a_program_to_which_codes_mean_something_else_applies_its_cards_anew() -> None:
    cards = HomeCards()
    cards.device("stranger", "x")
    cards.apply("h", CARD)
    state = {**cards.packed(), "codes": [["motion", "entrance_door"], [], []]}
    again = HomeCards()
    again.restore(state)
    assert list(again.device_ids) == list(cards.device_ids)
    assert again.device_role[:3].tolist() == cards.device_role[:3].tolist()
    assert again.devices_of(1).tolist() == cards.devices_of(1).tolist()
    assert again.silence_min[1, 71] == 71


def test_the_urgent_lane_keeps_no_learned_lines() -> None:
    kept = KeptCards(lines=False)
    kept.put([("h", CARD)])
    cards = HomeCards(kept)
    cards.apply("h", CARD)
    assert np.isnan(cards.silence_min[0]).all()
    assert unpack_card(kept.packed[0]) == msgspec.structs.replace(CARD, silence_min=())
    assert cards.resident_of(0, -1) == "r-1"


def test_a_detector_of_few_homes_asks_cards_by_numbers_of_its_own() -> None:
    cards = HomeCards()
    for number in range(3):
        cards.apply(f"h-{number}", msgspec.structs.replace(CARD, care_level=number))
    own = OwnCards(cards)
    own.homes.add(np.array([2, 0]))
    own.devices.add(np.array([5]))
    assert own.homes.places(np.array([0, 1, 2])).tolist() == [1, -1, 0]
    assert own.care_level[np.array([0, 1])].tolist() == [2, 0]
    assert own.silence_min[np.array([0, 1]), np.array([71, 3])].tolist() == [71.0, 3.0]
    assert ROOMS[own.device_room[0]] == "kitchen"
    assert own.threshold("inactivity.factor", np.array([0]), 1.0).tolist() == [2.5]
    again = OwnCards(cards)
    again.restore(own.packed())
    assert again.homes.all.tolist() == [2, 0]
