"""The bench of the api asks every list and read that there is."""

from api.app import create
from api.settings import ApiSettings
from bench.api_reads import _LEFT_OUT, ways


def test_every_get_route_is_asked_or_left_out_with_its_reason() -> None:
    paths = create(ApiSettings(token_secret="x" * 32)).openapi()["paths"]
    reads = {path for path, does in paths.items() if "get" in does}
    assert reads == ways(10, 10).keys() | (_LEFT_OUT.keys() & reads)
    assert not ways(10, 10).keys() & _LEFT_OUT.keys()
