"""What a request finds: the parts of the process, made once at its start."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request

from alerts.store import CaseStore
from api.attempts import Attempts
from api.database import Database
from api.feed import Feed
from api.models.stages import Health
from api.passwords import PasswordCheck
from api.pipeline import PipelineWatch
from api.rounds import Rounds
from api.settings import ApiSettings
from api.shown import Shown
from contracts import clocks

Clock = Callable[[], datetime]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The api's parts."""

    settings: ApiSettings
    database: Database
    cases: CaseStore
    feed: Feed
    pipeline: PipelineWatch
    passwords: PasswordCheck
    logins: Attempts
    """Wrong passwords by address."""
    openings: Attempts
    """Glasses broken, by user."""
    rings: Attempts
    """Messages of telephone systems, by address."""
    shown: Shown
    """Whom the pages of helpers showed last."""
    rounds: Rounds[Any, Any]
    """What all open feeds of families wait for, read together."""
    clock: Clock = clocks.now

    def health(self) -> Health:
        """What is known of all parts now."""
        return self.pipeline.health(self.clock(), feed_ready=self.feed.ready, streams_open=self.feed.open_streams)


def context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


def now(request: Request) -> datetime:
    """The api's clock at the request's beginning, UTC."""
    return context(request).clock()


Parts = Annotated[Context, Depends(context)]
Now = Annotated[datetime, Depends(now)]
