"""The AsyncAPI 3.0 description of what devices say and hear, made from the contract: ``python -m ingest.asyncapi`` writes docs/asyncapi.json."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from contracts.kinds import FROM_DEVICES, KINDS
from contracts.receipts import Receipt
from ingest.gate import ON_EVENT

FILE = Path(__file__).resolve().parent.parent / "docs" / "asyncapi.json"
_SCHEMA = "#/components/schemas/{name}"
_ADDRESS = "shouwang/v1/{area}/{account}/"
_PARAMETERS = {
    "area": {"description": "The town's 9-digit statistical code, given at provisioning"},
    "account": {"description": "{home_id}.{device_id}, also the MQTT user name"},
}
CHANNELS: dict[str, tuple[tuple[str, ...], str]] = {
    "telemetry": (FROM_DEVICES, "A reading or a list of readings"),
    "event": (tuple(sorted(ON_EVENT)), "Urgent: repeated by the device until its receipt"),
    "inertial": (("inertial",), "Blocks of motion samples; kind may be left out"),
    "status": (("status",), "Retained; kind may be left out; the last will is {online: false}"),
}
"""Channel -> kinds that it takes, and what it is for."""


def _channel(name: str, messages: list[str], what: str) -> dict[str, Any]:
    return {
        "address": _ADDRESS + name,
        "description": what,
        "parameters": _PARAMETERS,
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in messages},
        "bindings": {"mqtt": {}},
    }


def description() -> dict[str, Any]:
    """The whole document; schemas with limits and units are those of contracts.kinds."""
    types = [KINDS[name] for name in FROM_DEVICES]
    schemas, components = msgspec.json.schema_components([*types, Receipt], ref_template=_SCHEMA)
    messages = {
        name: {"contentType": "application/json", "payload": schema}
        for name, schema in zip([*FROM_DEVICES, "receipt"], schemas, strict=True)
    }
    channels = {name: _channel(name, list(kinds), what) for name, (kinds, what) in CHANNELS.items()}
    channels["receipt"] = _channel("receipt", ["receipt"], "To the device: what became of an urgent message")
    operations = {
        name: {
            "action": "receive" if name != "receipt" else "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "bindings": {"mqtt": {"qos": 1, "retain": name == "status"}},
        }
        for name in channels
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Shouwang 守望: devices",
            "version": "1",
            "description": "What the watch centre takes from devices over MQTT 3.1.1 with TLS, and what it answers. See docs/device-makers.md.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": components, "messages": messages},
    }


def text() -> str:
    """The file as it should be."""
    return json.dumps(description(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
    sys.exit(print("docs/asyncapi.json written"))
