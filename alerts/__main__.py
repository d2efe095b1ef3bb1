"""``python -m alerts``: one of the twins (SHOUWANG_ALERTS_INSTANCE says which)."""

import asyncio
import logging
import signal
import sys

from prometheus_client import start_http_server

from alerts.figures import Figures
from alerts.service import Service
from alerts.settings import AlertsSettings
from contracts.collector import collect_rarely
from contracts.errors import ShouwangError
from contracts.settings import read


async def _main(settings: AlertsSettings) -> None:
    service = Service(settings, Figures())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr="127.0.0.1")
    logging.getLogger("alerts").info("%s begins", settings.instance)
    await service.run()
    logging.getLogger("alerts").info("%s ends", settings.instance)


def main() -> int:
    try:
        settings = read(AlertsSettings, "SHOUWANG_ALERTS_")
        logging.basicConfig(level=settings.log, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it repeats each lost connection; we say it once
        collect_rarely()
        asyncio.run(_main(settings))
    except ShouwangError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
