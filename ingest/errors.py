"""Errors that end a bridge at its start."""

from contracts.errors import ShouwangError


class OtherPartitions(ShouwangError):
    """Topic {topic} has {found} partitions, SHOUWANG_PARTITIONS says {wanted}. Homes would land in the wrong partition: set it to {found}."""


class SpoolInUse(ShouwangError):
    """Another process writes to the spool {folder}: two bridges of one source? Give each a SHOUWANG_INGEST_SOURCE of its own, or stop the other."""


class SpoolUnusable(ShouwangError):
    """The spool {folder} cannot be used: {detail}. Mend the disk, name another folder (SHOUWANG_INGEST_SPOOL), or go without: SHOUWANG_INGEST_SPOOL_BYTES=0."""
