"""Which way the services of a site are provided: by a container engine, or natively."""

from typing import Any, Protocol

from deploy import containers
from deploy.native import engine as native_engine
from deploy.site import Site


class Engine(Protocol):
    """What both ways offer."""

    def up(self, site: Site) -> None:
        """Provide, start and wait; what runs already is left alone."""

    def down(self, site: Site) -> None:
        """Stop stages and services."""

    def status(self, site: Site) -> dict[str, dict[str, Any]]:
        """For each service: running, ready, port, pid."""

    def reset(self, site: Site) -> None:
        """Stop, and remove the data."""


def choose(site: Site, *, native: bool = False) -> Engine:
    """The way this site began with, whose data would otherwise be out of sight; for a new one, containers where an engine answers."""
    if native or (site.data / "postgres").exists():
        return native_engine
    if (site.data / "compose.env").exists() or containers.compose():
        return containers
    return native_engine
