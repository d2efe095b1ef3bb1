"""The load generator's connection: the bytes of the standard, and acknowledgements however the stream is cut."""

import pytest

from bench.pipe import Pipe, connect_packet, publish_packet


def test_a_connect_is_what_the_standard_says() -> None:
    assert connect_packet("c", "user", "word") == (
        b"\x10\x19"  # CONNECT, 25 bytes follow
        b"\x00\x04MQTT\x04"  # protocol level 4 = 3.1.1
        b"\xc2\x00\x00"  # user, password, clean session; no keep-alive
        b"\x00\x01c\x00\x04user\x00\x04word"
    )


def test_a_publish_at_qos_1_carries_its_id() -> None:
    assert publish_packet(b"a/b", b"hi", 258) == b"\x32\x09\x00\x03a/b\x01\x02hi"


def test_a_long_packet_has_a_length_of_several_bytes() -> None:
    assert publish_packet(b"t", b"x" * 20_000, 1)[1:4] == bytes([0xA5, 0x9C, 0x01])


@pytest.mark.parametrize("size", [1, 3, 4, 7, 100])
async def test_acknowledgements_are_counted_however_the_stream_is_cut(size: int) -> None:
    heard: list[None] = []
    pipe = Pipe(lambda count: heard.extend([None] * count), limit=2)
    stream = b"".join(b"\x40\x02" + number.to_bytes(2, "big") for number in range(1, 12))
    pipe._unacknowledged = 11
    pipe._empty.clear()
    for at in range(0, len(stream), size):
        pipe.data_received(stream[at : at + size])
    assert len(heard) == 11
    assert await pipe.settled(1)


async def test_a_load_whose_connection_broke_says_so() -> None:
    pipe = Pipe(lambda _count: None, limit=2)
    pipe.connection_lost(None)
    assert not await pipe.settled(1)
    with pytest.raises(ConnectionError):
        await pipe.room()
