"""Names: one rule for ids, and topics that cannot be taken for others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import BadName
from contracts.names import Topic, is_id, parse_topic, topic_of

IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True)
AREAS = st.from_regex(r"[0-9]{9}", fullmatch=True).filter(str.isascii)


@given(area=AREAS, home_id=IDS, device_id=IDS, channel=st.sampled_from(["telemetry", "event", "status"]))
def test_a_topic_is_taken_apart_into_what_it_was_made_of(area: str, home_id: str, device_id: str, channel: str) -> None:
    topic = parse_topic(topic_of(area, home_id, device_id, channel))
    assert topic == Topic(area, home_id, device_id, channel, "")
    assert topic.account == f"{home_id}.{device_id}"


@given(st.text(max_size=60))
def test_any_other_text_is_a_bad_name_and_nothing_worse(text: str) -> None:
    with pytest.raises(BadName):
        parse_topic(text)


@pytest.mark.parametrize("value", ["", "-a", "A", "a_b", "a.b", "ä", "a" * 41, "a\n", "a b", "家"])
def test_ids_that_break_the_rule_are_no_ids(value: str) -> None:
    assert not is_id(value)
    with pytest.raises(BadName):
        parse_topic(f"shouwang/v1/330282101/{value}.dev/event")


def test_what_follows_the_channel_is_kept() -> None:
    assert parse_topic("shouwang/v1/330282101/h.hub/z2m/bridge/state").rest == "bridge/state"
