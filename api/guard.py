"""What every answer carries: headers that keep a browser from harm, and a count. Plain ASGI, so that a stream stays a stream.

Each request begins as nobody's (``api.scope``), whoever was served before on the same connection.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import CrossSite
from api.problems import answer, problem_of
from api.scope import NOBODY, serving
from contracts import metrics

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        # Ant Design writes its styles into the page while it runs, hence 'unsafe-inline' for styles and for them alone.
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_REQUESTS = metrics.make("shouwang_api_requests_total")


def _is_cross_site(scope: Scope) -> bool:
    """Whether another site's page wants something done. Browsers say so, and no page can make them say otherwise; other clients say nothing.

    The cookie is same-site and the token is a header, so this is a second bar, also against a page on a neighbouring name.
    """
    if scope["method"] in _READS:
        return False
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


class Guard:
    """Middleware around the application. ``tls``: browsers may come by TLS only from now on."""

    def __init__(self, app: ASGIApp, *, tls: bool = False) -> None:
        self._app = app
        self._tls = tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._tls:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                if scope["path"].startswith("/api/"):
                    # Records of people do not belong into a browser's cache.
                    headers.setdefault("Cache-Control", "no-store")
                route = getattr(scope.get("route"), "path", "none")
                _REQUESTS.labels(route=route, status=str(message["status"])).inc()
            await send(message)

        if _is_cross_site(scope):
            await answer(problem_of(CrossSite()))(scope, receive, guarded)
            return
        with serving(NOBODY):
            await self._app(scope, receive, guarded)
