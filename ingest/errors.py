"""Errors that end a bridge at its start."""

from contracts.errors import ShouwangError


class OtherPartitions(ShouwangError):
    """Topic {topic} has {found} partitions, SHOUWANG_PARTITIONS says {wanted}. Homes would land in the wrong partition: set it to {found}."""
