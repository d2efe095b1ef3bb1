"""Deliveries: acknowledged once all parts are held, many at once, and no more read than can be kept."""

import asyncio
from collections.abc import Sequence

from ingest.deliveries import Deliveries, Delivery, Group


class Line:
    """A connection that writes down what it is told."""

    def __init__(self) -> None:
        self.name = "bulk"
        self.epoch = 1
        self.acknowledged: list[list[int]] = []
        self.reading = True

    def acknowledge(self, epoch: int, mids: Sequence[int]) -> bool:
        if epoch == self.epoch:
            self.acknowledged.append(list(mids))
        return epoch == self.epoch

    def pause(self) -> None:
        self.reading = False

    def resume(self) -> None:
        self.reading = True


def opened(deliveries: Deliveries, line: Line, mid: int, size: int, what: int | None = None) -> Delivery:
    """A message that is new."""
    delivery = deliveries.open(line, mid, size, mid if what is None else what)
    assert delivery is not None
    return delivery


async def test_a_message_is_acknowledged_when_its_last_part_is_held() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    delivery = opened(deliveries, line, 7, 10)
    delivery.parts = 2
    deliveries.settle(delivery)
    await asyncio.sleep(0)
    assert line.acknowledged == []
    assert deliveries.messages == {"bulk": 1}
    deliveries.settle(delivery)
    await asyncio.sleep(0)
    assert line.acknowledged == [[7]]
    assert (deliveries.messages, deliveries.bytes, deliveries.acknowledged) == ({"bulk": 0}, {"bulk": 0}, {"bulk": 1})


async def test_what_one_turn_of_the_loop_settles_is_acknowledged_together() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    for mid in (1, 2, 3):
        deliveries.close(opened(deliveries, line, mid, 10))
    await asyncio.sleep(0)
    assert line.acknowledged == [[1, 2, 3]]


async def test_messages_of_a_lost_connection_are_not_acknowledged_on_the_next() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    old = opened(deliveries, line, 1, 10, what=100)
    line.epoch += 2
    deliveries.close(opened(deliveries, line, 1, 10, what=101))
    deliveries.close(old)
    await asyncio.sleep(0)
    assert line.acknowledged == [[1]]
    assert deliveries.acknowledged == {"bulk": 1}


async def test_reading_stops_while_too_much_is_in_flight_and_goes_on_at_half_of_it() -> None:
    line, deliveries = Line(), Deliveries(100)
    held = [opened(deliveries, line, mid, 30) for mid in range(4)]
    assert not line.reading
    deliveries.close(held[0])
    deliveries.close(held[1])
    assert not line.reading, "60 of 100 are still in flight"
    deliveries.close(held[2])
    assert line.reading


async def test_a_bridge_that_leaves_does_not_read_on() -> None:
    line, deliveries = Line(), Deliveries(100)
    held = [opened(deliveries, line, mid, 60) for mid in range(2)]
    deliveries.leave()
    line.pause()
    for delivery in held:
        deliveries.close(delivery)
    assert not line.reading


async def test_what_is_in_hand_when_the_connection_is_lost_is_taken_once_and_acknowledged_under_its_new_id() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    first, second = opened(deliveries, line, 1, 10, what=100), opened(deliveries, line, 2, 10, what=200)
    first.parts = second.parts = 1
    line.epoch += 1
    deliveries.settle(first)  # held by Kafka while there is no connection: its acknowledgement has nowhere to go
    line.epoch += 1
    assert deliveries.open(line, 8, 10, what=100) is None
    assert deliveries.open(line, 9, 10, what=200) is None
    assert deliveries.messages == {"bulk": 1}
    await asyncio.sleep(0)
    assert line.acknowledged == [[8]]
    deliveries.settle(second)
    await asyncio.sleep(0)
    assert line.acknowledged == [[8], [9]]
    assert (deliveries.messages, deliveries.bytes) == ({"bulk": 0}, {"bulk": 0})


async def test_an_equal_message_beyond_those_in_hand_is_a_new_one() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    opened(deliveries, line, 1, 10, what=100).parts = 1
    opened(deliveries, line, 2, 10, what=100).parts = 1
    assert opened(deliveries, line, 3, 10, what=300), "while the connection stands nothing comes again"
    line.epoch += 2
    assert deliveries.open(line, 4, 10, what=100) is None
    assert deliveries.open(line, 5, 10, what=100) is None
    assert deliveries.open(line, 6, 10, what=100) is not None


async def test_lost_again_before_it_came_again_it_is_still_known() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    opened(deliveries, line, 1, 10, what=100).parts = 1
    opened(deliveries, line, 2, 10, what=200).parts = 1
    line.epoch += 2
    assert deliveries.open(line, 1, 10, what=100) is None
    line.epoch += 2
    assert deliveries.open(line, 1, 10, what=100) is None
    assert deliveries.open(line, 2, 10, what=200) is None


async def test_once_all_that_came_again_is_in_an_equal_message_is_a_new_one() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    opened(deliveries, line, 1, 10, what=100).parts = 1
    line.epoch += 2
    deliveries.caught_up(line)
    assert deliveries.open(line, 1, 10, what=100) is not None


async def test_an_acknowledgement_that_a_dead_broker_forgot_is_given_again() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    deliveries.close(opened(deliveries, line, 1, 10, what=100))
    await asyncio.sleep(0)
    opened(deliveries, line, 2, 10, what=100).parts = 1  # said again while the connection stands: a new message
    line.epoch += 2
    assert deliveries.open(line, 7, 10, what=100, dup=True) is None, "the one still held"
    assert deliveries.open(line, 8, 10, what=100, dup=True) is None, "the one acknowledged"
    await asyncio.sleep(0)
    assert line.acknowledged == [[1], [8]]
    assert deliveries.open(line, 9, 10, what=100, dup=True) is not None


async def test_an_equal_message_that_the_broker_sends_for_the_first_time_is_a_new_one() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    deliveries.close(opened(deliveries, line, 1, 10, what=100))
    line.epoch += 2
    assert deliveries.open(line, 2, 10, what=100) is not None


def grouped(deliveries: Deliveries, line: Line, *messages: tuple[int, int]) -> Group:
    """Messages (packet id, what) of one frame, 10 bytes each."""
    group = deliveries.group(line)
    for mid, what in messages:
        group.mids.append(mid)
        group.whats.append(what)
        group.size += 10
    deliveries.count(line, len(messages), group.size)
    return group


async def test_messages_of_one_frame_are_acknowledged_together_when_it_is_held() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    group, other = grouped(deliveries, line, (1, 100), (2, 200)), grouped(deliveries, line, (3, 300))
    assert (deliveries.messages, deliveries.bytes) == ({"bulk": 3}, {"bulk": 30})
    deliveries.settle_group(group)
    await asyncio.sleep(0)
    assert line.acknowledged == [[1, 2]]
    deliveries.settle_group(other)
    await asyncio.sleep(0)
    assert line.acknowledged == [[1, 2], [3]]
    assert (deliveries.messages, deliveries.bytes, deliveries.acknowledged) == ({"bulk": 0}, {"bulk": 0}, {"bulk": 3})


async def test_groups_stop_reading_as_single_messages_do() -> None:
    line, deliveries = Line(), Deliveries(20)
    group = grouped(deliveries, line, (1, 100), (2, 200), (3, 300))
    assert not line.reading
    deliveries.settle_group(group)
    assert line.reading


async def test_a_group_in_hand_when_the_connection_is_lost_is_taken_once_and_acknowledged_under_its_new_ids() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    held, waiting = grouped(deliveries, line, (1, 100), (2, 200)), grouped(deliveries, line, (3, 300), (4, 400))
    assert deliveries.is_all_new(line)
    line.epoch += 1
    deliveries.settle_group(held)  # by Kafka while there is no connection
    line.epoch += 1
    assert not deliveries.is_all_new(line)
    assert deliveries.open(line, 11, 10, what=100) is None
    assert deliveries.open(line, 13, 10, what=300) is None
    await asyncio.sleep(0)
    assert line.acknowledged == [[11]]
    assert deliveries.messages == {"bulk": 2}
    deliveries.settle_group(waiting)
    await asyncio.sleep(0)
    assert line.acknowledged == [[11], [13]], "the other one has not come again yet"
    assert deliveries.open(line, 12, 10, what=200) is None
    assert deliveries.open(line, 14, 10, what=400) is None
    await asyncio.sleep(0)
    assert line.acknowledged == [[11], [13], [12, 14]]
    assert deliveries.is_all_new(line)
    assert (deliveries.messages, deliveries.bytes) == ({"bulk": 0}, {"bulk": 0})


async def test_a_group_lost_twice_before_it_is_held_is_still_known() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    group = grouped(deliveries, line, (1, 100), (2, 200))
    line.epoch += 2
    assert deliveries.open(line, 5, 10, what=100) is None
    line.epoch += 2
    assert deliveries.open(line, 6, 10, what=100) is None
    assert deliveries.open(line, 7, 10, what=200) is None
    deliveries.settle_group(group)
    await asyncio.sleep(0)
    assert line.acknowledged == [[6, 7]]
    assert (deliveries.messages, deliveries.bytes) == ({"bulk": 0}, {"bulk": 0})


async def test_what_a_dead_broker_forgot_of_a_group_is_acknowledged_again() -> None:
    line, deliveries = Line(), Deliveries(1_000)
    deliveries.settle_group(grouped(deliveries, line, (1, 100), (2, 200)))
    await asyncio.sleep(0)
    line.epoch += 2
    assert deliveries.is_all_new(line), "what comes again bears DUP"
    assert deliveries.open(line, 8, 10, what=200, dup=True) is None
    await asyncio.sleep(0)
    assert line.acknowledged == [[1, 2], [8]]
    assert deliveries.open(line, 9, 10, what=300, dup=True) is not None
