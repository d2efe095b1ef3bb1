"""``python -m api``: the api and the console, until TERM. Settings SHOUWANG_API_* and the shared ones."""

import logging

import uvicorn

from api.app import create
from api.settings import read
from contracts.errors import ShouwangError

GRACE_S = 5
"""Open requests may end within this time, s; streams are ended at once, the consoles come back by themselves."""


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # A missing broker is said once a try by the feed; the client's own lines add nothing.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    logging.getLogger("httpx").setLevel(
        logging.WARNING
    )  # it writes down every address, and the dead man's is as good as a key
    try:
        settings = read()
    except ShouwangError as error:
        raise SystemExit(f"api: {error}") from None
    uvicorn.run(
        create(settings),
        host=settings.host,
        port=settings.port,
        log_level="info",
        # Paths hold ids of people's homes; who read what stands in the audit.
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )


if __name__ == "__main__":
    main()
