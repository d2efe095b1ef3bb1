"""What every answer carries: headers that keep a browser from harm, and a count. Plain ASGI, so that a stream stays a stream."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts import metrics

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        # Ant Design writes its styles into the page while it runs, hence 'unsafe-inline' for styles and for them alone.
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
}
_REQUESTS = metrics.make("shouwang_api_requests_total")


class Guard:
    """Middleware around the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    # Records of people do not belong into a browser's cache.
                    headers.setdefault("Cache-Control", "no-store")
                route = getattr(scope.get("route"), "path", "none")
                _REQUESTS.labels(route=route, status=str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, guarded)
