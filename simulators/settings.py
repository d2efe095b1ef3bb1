"""Settings of the simulators, read from SHOUWANG_SIMULATORS_* and the shared variables."""

from typing import Annotated

import msgspec
from msgspec import Meta

Port = Annotated[int, Meta(ge=0, le=65_535)]


class SimulatorsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the broker and the database are; what a run does is said on the command line."""

    mqtt_host: str = "127.0.0.1"
    mqtt_tls_port: Port = 8883
    mqtt_ca: str = ""
    """Certificate of the CA that signed the broker's, PEM."""
    database: str = ""
    """Conninfo, for ``check`` alone."""
