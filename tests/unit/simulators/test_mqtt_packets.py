"""MQTT packets: the bytes of the standard, however the stream is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.mqtt_packets import Splitter, connect_packet, publish_packet, subscribe_packet


def test_a_connect_with_a_last_will_is_what_the_standard_says() -> None:
    packet = connect_packet("c", "user", "word", keepalive_s=30, will=("t", b"x"))
    assert packet == (
        b"\x10\x1f"  # CONNECT, 31 bytes follow
        b"\x00\x04MQTT\x04"  # protocol level 4 = 3.1.1
        b"\xee\x00\x1e"  # user, password, will retained at QoS 1, clean session; keep-alive 30 s
        b"\x00\x01c\x00\x01t\x00\x01x\x00\x04user\x00\x04word"
    )


def test_a_publish_at_qos_1_carries_its_id_and_flags() -> None:
    assert publish_packet(b"a/b", b"hi", 258) == b"\x32\x09\x00\x03a/b\x01\x02hi"
    assert publish_packet(b"a/b", b"hi", 258, retain=True, dup=True)[0] == 0x3B


def test_a_long_packet_has_a_length_of_several_bytes() -> None:
    packet = publish_packet(b"t", b"x" * 20_000, 1)
    assert packet[1:4] == bytes([0xA5, 0x9C, 0x01])


def test_a_subscription_asks_for_qos_1() -> None:
    assert subscribe_packet("a", 5) == b"\x82\x06\x00\x05\x00\x01a\x01"


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40), min_size=1, max_size=50))
def test_packets_come_out_whole_however_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(publish_packet(b"topic", payload, 7) for payload in payloads)
    splitter, found, at, turn = Splitter(), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += splitter.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert [(head, body[9:]) for head, body in found] == [(0x32, payload) for payload in payloads]


@pytest.mark.parametrize("bytes_of_length", [1, 2, 3])
def test_an_unfinished_packet_waits(bytes_of_length: int) -> None:
    splitter = Splitter()
    assert splitter.feed(b"\x30" + b"\x80" * (bytes_of_length - 1)) == []
