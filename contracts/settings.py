"""Settings: one frozen msgspec Struct a stage, read once from the environment in its ``__main__``.

An unknown key under the stage's prefix, a wrong type or a value out of range refuses to start.
"""

import os
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from contracts.errors import BadSetting

S = TypeVar("S", bound=msgspec.Struct)

SHARED = {
    "kafka": "SHOUWANG_KAFKA",
    "database": "SHOUWANG_DATABASE",
    "data": "SHOUWANG_DATA",
    "mqtt_host": "SHOUWANG_MQTT_HOST",
    "mqtt_port": "SHOUWANG_MQTT_PORT",
    "mqtt_tls_port": "SHOUWANG_MQTT_TLS_PORT",
    "mqtt_ca": "SHOUWANG_MQTT_CA",
    "partitions": "SHOUWANG_PARTITIONS",
    "push_key": "SHOUWANG_PUSH_KEY",
}
"""Fields that every stage reads from the same variable, whatever its prefix."""


def read(cls: type[S], prefix: str, environment: Mapping[str, str] | None = None) -> S:
    """Build ``cls`` from variables named ``prefix`` + FIELD (upper case), and from the shared ones.

    Raises BadSetting for an unknown variable under ``prefix``, a wrong type or a value out of range. Tuples are comma-separated.
    """
    env = os.environ if environment is None else environment
    fields = {field.name: field for field in msgspec.structs.fields(cls)}
    known = {SHARED.get(name, prefix + name.upper()): name for name in fields}
    for variable in env:
        if variable.startswith(prefix) and variable not in known:
            raise BadSetting(name=variable, detail=f"no such setting; known are {', '.join(sorted(known))}")
    found: dict[str, object] = {}
    for variable, name in known.items():
        if variable in env:
            text = env[variable]
            is_tuple = getattr(fields[name].type, "__origin__", None) is tuple
            found[name] = [part.strip() for part in text.split(",") if part.strip()] if is_tuple else text
    try:
        return msgspec.convert(found, cls, strict=False)
    except msgspec.ValidationError as error:
        raise BadSetting(name=f"{prefix}*", detail=str(error)) from error
