"""Values of the compacted ``homes.v1``: the home card in force, keyed by ``home_id``, in the home's own partition.

In the two lanes a card travels as a row of kind ``card`` in a frame of the keeper (source empty); this topic is only where a
worker without a snapshot begins.
"""

import msgspec

from contracts.kinds import Card

_DECODER = msgspec.json.Decoder(Card)


def encode(card: Card) -> bytes:
    """Kafka value of a card; the key is the ``home_id``."""
    return msgspec.json.encode(card)


def decode(value: bytes) -> Card:
    """Card of a Kafka value. Raises msgspec.ValidationError or msgspec.DecodeError."""
    return _DECODER.decode(value)
