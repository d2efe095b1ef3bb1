"""The api under requests that schemathesis makes up from its own description, good ones and bad ones: whatever comes, never an error of the server."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.site import Site
from storage import people
from storage.database import connect
from storage.records import Device, Home, Resident
from tests.system.api_desks import base_url, desk, make_user

# Minutes, and it finds what nobody thought of or nothing: by hand before a release, and where routes changed.
pytestmark = [pytest.mark.services, pytest.mark.long, pytest.mark.timeout(1800)]

EXAMPLES = 15
"""Made up for each route, way of asking and role."""
LEFT_OUT = "^/api/v1/(stream|family/stream|session|session/all)$"
"""Streams that never end, and what would log the caller out or lock him out."""
SETTINGS = {"SHOUWANG_API_ACCESS_TOKEN_S": "7200", "SHOUWANG_API_QUERY_S": "60"}
"""Tokens outlast the run, and a machine that does other things too is no database that is away."""
AREA = "330282998"


async def _furnish(site: Site) -> list[str]:
    """A home with a resident, and a user of each role."""
    connection = await connect(site.conninfo(), "test")
    async with connection, connection.transaction():
        await people.register(
            connection,
            [Home("fuzz-1", f"{AREA}001", address="1"), Resident("fuzz-1-r1", "fuzz-1", "李"), Device("fuzz-1", "hub", "hub", "other")],
            actor="test",
        )  # fmt: skip
    area = {"area_prefix": AREA[:6]}
    roles: dict[str, dict[str, Any]] = {
        "operator": area, "supervisor": area, "family": {"family_of": ("fuzz-1-r1",)}, "helper": area | {"helper_kind": "volunteer"},
        "admin": {},
    }  # fmt: skip
    return [await make_user(site, role, **fields) for role, fields in roles.items()]


@pytest.mark.alone
async def test_no_request_that_can_be_made_up_is_an_error_of_the_server(
    own_site: Site, own_stages: Any, tmp_path: Path
) -> None:
    own_stages.start("alerts-1", "api", settings=SETTINGS)
    program = Path(sys.executable).with_name("st")
    tokens: list[str] = []
    for user in await _furnish(own_site):
        async with desk(own_site, user) as client:
            tokens.append(
                client.headers["Authorization"]
            )  # all of them first: the first to make up passwords shuts the door on the rest
    for token in tokens:
        command = [
            str(program), "run", f"{base_url(own_site)}/openapi.json", "--header", f"Authorization:{token}", "--checks", "not_a_server_error",
            "--exclude-path-regex", LEFT_OUT, "--max-examples", str(EXAMPLES), "--phases", "coverage,fuzzing", "--continue-on-failure",
            "--request-timeout", "30", "--seed", "1", "--no-color", "--suppress-health-check", "all", "--generation-database", "none",
        ]  # fmt: skip
        done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, capture_output=True, text=True)
        said = done.stdout[-6000:] + done.stderr[-2000:] + own_stages.log("api")[-3000:]
        assert done.returncode == 0, said
        assert "Selected" in done.stdout, said
