"""The console's files, as Vite has built them. Every address that is no file is the page itself, which looks at the address; ``/phone`` is the telephone's.

Files under ``assets`` carry a hash of their content in their name and are kept for a year; the page is asked for each time.
"""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

DIST = Path(__file__).parent / "console" / "dist"
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_ASK = {"Cache-Control": "no-cache"}
_NOT_BUILT = "<!doctype html><meta charset=utf-8><title>守望</title><p>控制台尚未构建。请运行：cd api/console && npm ci && npm run build<p>The console is not built. Run: cd api/console && npm ci && npm run build"


def install(app: FastAPI, folder: Path = DIST) -> None:
    """Serve the console for every address that no route has. To be called last."""

    @app.get("/{path:path}", include_in_schema=False)
    async def console(path: str) -> Response:
        if path.startswith(("api/", "assets/")) and not _file(folder, path):
            raise HTTPException(404)
        found = _file(folder, path)
        if found is not None and path != "index.html":
            return FileResponse(found, headers=_FOR_EVER if path.startswith("assets/") else _ASK)
        page = folder / ("phone.html" if path == "phone" else "index.html")
        if not page.is_file():
            return HTMLResponse(_NOT_BUILT, 503, _ASK)
        return FileResponse(page, headers=_ASK)


def _file(folder: Path, path: str) -> Path | None:
    """The file of that name inside ``folder``; None for none, and for one outside it."""
    if not path or "\0" in path or any(part.startswith(".") for part in path.split("/")):
        return None
    found = (folder / path).resolve()
    return found if found.is_file() and found.is_relative_to(folder.resolve()) else None
