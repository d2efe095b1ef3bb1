"""Settings of the nightly learner, read from SHOUWANG_LEARNER_*."""

from typing import Annotated

import msgspec
from msgspec import Meta


class LearnerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it works."""

    database: str = "postgresql://127.0.0.1/shouwang"
    hour: Annotated[int, Meta(ge=0, le=23)] = 3
    """Local hour at which a round begins: the quietest of the day."""
    minute: Annotated[int, Meta(ge=0, le=59)] = 30
    zone: str = "Asia/Shanghai"
    log: str = "INFO"
