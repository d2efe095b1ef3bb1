"""How a Kafka consumer of ours is put down."""

import asyncio

from aiokafka import AIOKafkaConsumer


async def put_down(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, and close its connections whatever becomes of its requests.

    aiokafka 0.14's ``Fetcher.close`` cancels requests under way and awaits them bare: with a broker that has died ``stop()`` ends in
    CancelledError, as if our own task had been cancelled, and leaves the connections open. Whoever reads in a loop would end there in silence.
    """
    task = asyncio.current_task()
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        await consumer._client.close()
        if task is not None and task.cancelling():
            raise
