"""Health for people, for a supervisor and for Prometheus."""

from ipaddress import ip_address
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.access import STAFF, Staff, bearer, roles, who
from api.context import Context, Now, Parts
from api.errors import NotAllowed, NotReady
from api.models.stages import Alive, Health
from api.problems import documented

router = APIRouter(tags=["health"])

_PROXIED = ("forwarded", "x-forwarded-for", "x-real-ip")


@router.get("/healthz", summary="The process lives")
async def healthz() -> Alive:
    """Answers as long as the process does; asks nobody else, so that an outage elsewhere does not restart it."""
    return Alive()


@router.get("/readyz", responses=documented(503), summary="It can serve")
async def readyz(parts: Parts, now: Now) -> Alive:
    """The database answers and the feed reads; else 503, which says what is missing."""
    health = _health(parts, now)
    missing = [stage.name for stage in health.stages if stage.name in ("database", "feed") and stage.state != "ok"]
    if missing:
        raise NotReady(detail=f"not ready: {', '.join(missing)} away. Look at ./shouwang services status.")
    return Alive()


def _health(parts: Context, now: Now) -> Health:
    return parts.pipeline.health(now, feed_ready=parts.feed.ready, streams_open=parts.feed.open_streams)


@router.get("/api/v1/health", responses=documented(401, 403, 503), summary="All parts", openapi_extra=roles(*STAFF))
async def health(parts: Parts, now: Now, user: Staff) -> Health:
    """What runs, what lags, what stands still."""
    return _health(parts, now)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **documented(401, 403),
    },
    summary="Metrics",
)
async def metrics(
    request: Request,
    parts: Parts,
    now: Now,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Response:
    """For a scraper on this machine, without a token; from elsewhere for administrators."""
    if not _from_this_machine(request):
        user = await who(parts, now, credentials)
        if user.role != "admin":
            raise NotAllowed(role=user.role, needed="admin")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _from_this_machine(request: Request) -> bool:
    # Behind a proxy on this machine everybody comes from loopback, so whoever was passed on is not believed to be local.
    if request.client is None or any(name in request.headers for name in _PROXIED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
