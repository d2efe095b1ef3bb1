"""Fevers of one institution become one case; and nothing of another home is taken for it. Over both stores."""

import asyncio

import pytest

from alerts.memory import Home
from contracts.alerts import CaseSummary
from contracts.reasons import sentence
from tests.contract.alerts.centre import Centre, a_detection

WARD = "330282001001"
DAY_S = 86_400.0


def register(centre: Centre, *homes: str, site: str | None = "willow-house", area: str = WARD) -> None:
    for home_id in homes:
        centre.homes[home_id] = Home(area, 0, site)


async def fever(centre: Centre, home: str, resident: str, *, at_s: float = 1000.0, **fields):
    said = {"detector": "fever", "device_id": f"watch-{resident}", "resident_id": resident, "score": 1, "lane": "bulk",
            "reason": "fever.raised", "evidence": {"body_temp_c": 38.4, "held_min": 31.0}}  # fmt: skip
    return await centre.admit("vitals", home_id=home, started_at_s=at_s, **(said | fields))


async def test_several_residents_in_a_day_are_one_incident_that_names_them(centre):
    register(centre, "room-1", "room-2", "room-3")
    first = await fever(centre, "room-1", "r-1")
    second = await fever(centre, "room-2", "r-2", at_s=1000.0 + 5 * 3600)
    third = await fever(centre, "room-3", "r-3", at_s=1000.0 + 26 * 3600)  # within a day of the second
    assert first.case_id == second.case_id == third.case_id
    detail = await centre.store.case(first.case_id)
    assert (detail.case.home_id, detail.case.score, detail.case.priority, detail.case.signals) == ("room-1", 3, 2, 3)
    assert [signal.evidence["resident"] for signal in detail.signals] == ["r-1", "r-2", "r-3"]
    joined = [row for row in detail.audit if row.reason == "case.gathered"]
    assert [(row.facts["residents"], row.facts["who"]) for row in joined] == [(2, "r-1, r-2"), (3, "r-1, r-2, r-3")]
    assert sentence("case.gathered", joined[-1].facts, "zh").startswith(
        "同一机构 24 小时内已有 3 位住户有此信号（r-1, r-2, r-3）"
    )
    assert len(await centre.store.queue()) == 1


async def test_residents_of_one_home_are_gathered_as_well(centre):
    register(centre, "ward", site=None)
    first = await fever(centre, "ward", "r-1")
    second = await fever(centre, "ward", "r-2", at_s=2000.0)
    assert second.case_id == first.case_id
    assert second.case.score == 2
    assert sentence("fever.raised", (await centre.store.case(first.case_id)).signals[1].evidence, "en") == (
        "Fever: 38.4 °C, for 31 min (resident r-2)"
    )


async def test_a_second_fever_of_the_same_resident_makes_nobody_surer(centre):
    register(centre, "room-1")
    await fever(centre, "room-1", "r-1")
    again = await fever(centre, "room-1", "r-1", at_s=9000.0, device_id="thermometer-1")
    assert again.case.score == 1


async def test_one_thermometer_for_all_is_one_doubt(centre):
    register(centre, "ward", site=None)
    await fever(centre, "ward", "r-1", device_id="round-1")
    second = await fever(centre, "ward", "r-2", at_s=2000.0, device_id="round-1")
    assert second.case.score == 1
    assert (await centre.store.case(second.case_id)).audit[-1].reason == "case.gathered"


@pytest.mark.parametrize(
    ("home", "at_s"),
    [("elsewhere", 2000.0), ("private", 2000.0), ("other-town", 2000.0), ("room-2", 1000.0 + 1.1 * DAY_S)],
    ids=["another institution", "no institution", "an institution of the same name elsewhere", "days later"],
)
async def test_what_is_no_incident_stays_apart(centre, home, at_s):
    register(centre, "room-1", "room-2")
    register(centre, "elsewhere", site="oak-house")
    register(centre, "private", site=None)
    register(centre, "other-town", area="110101001001")
    first = await fever(centre, "room-1", "r-1")
    second = await fever(centre, home, "r-9", at_s=at_s)
    assert second.case_id != first.case_id
    assert second.case.home_id == home


async def test_other_vitals_of_the_institution_stay_with_their_homes(centre):
    register(centre, "room-1", "room-2")
    first = await fever(centre, "room-1", "r-1")
    pulse = await centre.admit("vitals", home_id="room-2", score=2, reason="heart_rate.high")
    assert pulse.case_id != first.case_id
    own = await centre.admit("vitals", home_id="room-1", score=2, reason="heart_rate.high")
    assert own.case_id == first.case_id  # one open case for each home and family


async def test_a_fever_joins_the_incident_though_its_home_has_a_case_of_its_own(centre):
    register(centre, "room-1", "room-2")
    pulse = await centre.admit("vitals", home_id="room-2", score=2, reason="heart_rate.high")
    first = await fever(centre, "room-1", "r-1")
    second = await fever(centre, "room-2", "r-2", at_s=2000.0)
    assert second.case_id == first.case_id != pulse.case_id


async def test_its_end_and_its_withdrawal_find_the_incident(centre):
    register(centre, "room-1", "room-2")
    first = await fever(centre, "room-1", "r-1")
    await fever(centre, "room-2", "r-2", at_s=2000.0)
    off = await fever(centre, "room-2", "r-2", at_s=2000.0, revision=2, on=False, reason="fever.over")
    assert off.case_id == first.case_id
    gone = await fever(centre, "room-2", "r-2", at_s=2000.0, revision=3, on=False, withdrawn=True, reason="fever.over")
    assert (gone.case_id, gone.case.score) == (first.case_id, 1)
    assert gone.case.priority == 2  # it had risen, and never falls by itself


async def test_after_the_incident_is_resolved_the_next_fever_is_a_new_case(centre):
    register(centre, "room-1", "room-2", "room-3")
    first = await fever(centre, "room-1", "r-1")
    await centre.resolve(await centre.claim(await centre.see(first.case_id)))
    second = await fever(centre, "room-2", "r-2", at_s=2000.0)
    third = await fever(centre, "room-3", "r-3", at_s=3000.0)
    assert second.case_id != first.case_id
    assert third.case_id == second.case_id


async def test_a_test_joins_no_incident(centre):
    register(centre, "room-1", "room-2")
    first = await fever(centre, "room-1", "r-1")
    tried = await fever(centre, "room-2", "r-2", at_s=2000.0, test=True)
    assert tried.case_id != first.case_id
    assert tried.case.handling == "TEST"


async def test_ten_fevers_at_once_are_one_case_and_none_is_lost(centre):
    rooms = [f"room-{n}" for n in range(10)]
    register(centre, *rooms)
    found = await asyncio.gather(*(fever(centre, room, f"r-{room}", at_s=1000.0 + n) for n, room in enumerate(rooms)))
    assert len({each.case_id for each in found}) == 1
    detail = await centre.store.case(found[0].case_id)
    assert (detail.case.signals, len(detail.signals), detail.case.score) == (10, 10, 4)
    summaries = [event.case for event in await centre.store.unsent()]
    assert all(isinstance(each, CaseSummary) and each.case_id == found[0].case_id for each in summaries)


async def test_what_may_join_another_home_s_case_is_admitted_alone(centre):
    one = a_detection("vitals", detector="fever", home_id="room-1", resident_id="r-1")
    two = a_detection("vitals", detector="fever", home_id="room-2", resident_id="r-2")
    with pytest.raises(ValueError, match="alone"):
        await centre.store.admit_many([(one, None), (two, None)], centre.now)
