"""The stream below paho: messages are taken out whole, whatever pieces the network makes; paho gets all the rest, in order."""

import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import Client

from ingest.mqtt import DUP, RETAIN, Order, Publish, Stream, _Paho


def packet(head: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (0x80 if size else 0))
        if not size:
            return bytes([head]) + bytes(length) + body


def publish(topic: bytes, payload: bytes, mid: int, flags: int = 0) -> bytes:
    head = 0x30 | (0x02 if mid else 0) | flags
    return packet(head, struct.pack(">H", len(topic)) + topic + (struct.pack(">H", mid) if mid else b"") + payload)


def payloads(found: list[list[Publish] | None]) -> list[bytes]:
    return [payload for messages in found if messages for _, payload, _, _ in messages]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Stream]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = Stream(ours)
    yield theirs, stream
    theirs.close()
    stream.close()


MESSAGES = st.tuples(
    st.text(min_size=1, max_size=30).map(str.encode),
    st.binary(max_size=300),
    st.integers(0, 65_535),
    st.sampled_from([0, RETAIN, DUP, RETAIN | DUP]),
)
OTHERS = st.sampled_from([b"\x20\x02\x00\x00", b"\x40\x02\x00\x07", b"\xd0\x00", b"\x90\x03\x00\x01\x01"])


@settings(max_examples=100, deadline=None)
@given(story=st.lists(MESSAGES | OTHERS, max_size=15), size=st.integers(1, 200), limit=st.integers(1, 5))
def test_messages_come_out_whole_however_the_bytes_arrive(story: list[Publish | bytes], size: int, limit: int) -> None:
    sent = b"".join(each if isinstance(each, bytes) else publish(*each) for each in story)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream, for_paho = Stream(ours), b""
    found: list[Publish] = []
    try:
        for at in range(0, len(sent), size):
            theirs.sendall(sent[at : at + size])
            assert stream.fill()
            while stream.has_packet:
                for messages in stream.packets(limit):
                    if messages is not None:
                        assert 0 < len(messages) <= limit
                        found += messages
                        continue
                    for_paho += stream.recv(1) + stream.recv(100)
    finally:
        theirs.close()
        stream.close()
    assert found == [each for each in story if isinstance(each, tuple)]
    assert for_paho == b"".join(each for each in story if isinstance(each, bytes))


def test_a_message_handed_out_is_not_handed_out_again_when_reading_stops_behind_it(
    pair: tuple[socket.socket, Stream],
) -> None:
    theirs, stream = pair
    theirs.sendall(publish(b"a", b"1", 1) + b"\xd0\x00" + publish(b"a", b"2", 2))
    stream.fill()
    for messages in stream.packets(10):
        assert payloads([messages]) == [b"1"]
        break
    assert next(iter(stream.packets(10))) is None
    assert payloads(list(stream.packets(10))) == [b"2"]


def test_nothing_to_read_is_not_the_end(pair: tuple[socket.socket, Stream]) -> None:
    _, stream = pair
    assert not stream.fill()
    with pytest.raises(BlockingIOError):
        stream.recv(1)


def test_the_end_is_told_after_the_last_message_and_a_piece_of_one_is_dropped(
    pair: tuple[socket.socket, Stream],
) -> None:
    theirs, stream = pair
    theirs.sendall(publish(b"a", b"1", 1) + publish(b"a", b"2", 2)[:-1])
    theirs.close()
    while stream.fill() and stream.has_packet:
        first = list(stream.packets(10))
        assert payloads(first) == [b"1"]
    assert list(stream.packets(10)) == [None]
    assert stream.recv(1) == b""


def test_an_abandoned_stream_is_at_its_end(pair: tuple[socket.socket, Stream]) -> None:
    theirs, stream = pair
    theirs.sendall(publish(b"a", b"1", 1))
    stream.fill()
    stream.abandon()
    assert list(stream.packets(10)) == [None]
    assert stream.recv(1) == b""


def test_paho_still_has_the_two_private_names_that_we_use() -> None:
    """A newer paho without them would silently open its own socket, or fail at the first PUBACK."""
    assert callable(Client._create_socket)
    assert callable(Client._packet_queue)
    assert _Paho._create_socket is not Client._create_socket


def came(order: Order, *mids: int) -> None:
    order.came([(b"t", b"", mid, 0) for mid in mids])


def test_acknowledgements_go_in_the_order_in_which_messages_came() -> None:
    order = Order()
    came(order, 7, 8, 9, 10)
    assert order.done([9]) == [], "two that came before it are in hand"
    assert order.done([8]) == []
    assert order.done([7]) == [7, 8, 9]
    assert order.done([10]) == [10]


def test_what_wants_no_acknowledgement_holds_up_nobody() -> None:
    order = Order()
    came(order, 1, 0, 2)
    assert order.done([1, 2]) == [1, 2]


def test_a_second_word_about_a_message_acknowledges_none_that_bears_its_id_later() -> None:
    order = Order()
    came(order, 5)
    assert order.done([5]) == [5]
    assert order.done([5]) == [], "said twice"
    came(order, 5)
    assert order.done([6]) == [], "the new one is in hand"
    assert order.done([5]) == [5]


def test_a_message_that_comes_twice_on_a_connection_is_acknowledged_and_holds_up_nobody() -> None:
    order = Order()
    came(order, 5, 5, 6)
    assert order.done([5]) == [5]
    assert order.done([5, 6]) == [6]


@given(st.permutations(range(1, 40)), st.lists(st.integers(1, 12), min_size=1))
def test_everything_is_acknowledged_once_whatever_is_done_first(done: list[int], portions: list[int]) -> None:
    order, sent, at = Order(), list[int](), 0
    for turn in range(2):  # packet ids are used anew
        came(order, *range(1, 40))
        for portion in portions * 40:
            sent += order.done(done[at : at + portion])
            at += portion
        at = 0
        assert sent == [*range(1, 40)] * (turn + 1)
