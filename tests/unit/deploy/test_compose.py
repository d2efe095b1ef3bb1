"""compose.yaml cannot be run here, so it is held against the one table that the native services are made from."""

import re
from pathlib import Path

import pytest
import yaml

from deploy import containers
from deploy.native import kafka, mosquitto, postgres
from deploy.services import KAFKA, KAFKA_HEAP, KAFKA_VERSION, MOSQUITTO, SERVICES, TIMESCALE, service
from deploy.site import REPOSITORY, Site
from deploy.stages import STAGES

COMPOSE = yaml.safe_load((REPOSITORY / "deploy" / "compose.yaml").read_text())["services"]


@pytest.fixture
def site(tmp_path):
    return Site.load(data=tmp_path, port_base=18800)


def published(name):
    """Host address and port of each published port, with the variables' defaults put in."""
    plain = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", port) for port in COMPOSE[name]["ports"]]
    return {tuple(port.split(":")[:2]) for port in plain}


def test_the_images_are_those_of_the_table():
    assert {name: COMPOSE[name]["image"] for name in (TIMESCALE, KAFKA, MOSQUITTO)} == {
        entry.name: entry.image for entry in SERVICES
    }


def test_every_published_port_is_the_tables_and_on_loopback():
    for entry in SERVICES:
        wanted = {
            ("127.0.0.1", str(18800 + offset)) for name, offset in entry.ports.items() if name != "kafka-controller"
        }
        assert published(entry.name) == wanted


def test_postgres_has_the_same_settings_in_both(site):
    said = dict(word.removeprefix("-c").split("=", 1) for word in COMPOSE[TIMESCALE]["command"][1:])
    native = dict(re.findall(r"^(\S+) = '(.*)'$", postgres.configuration(site), re.MULTILINE))
    for name, value in service(TIMESCALE).settings.items():
        assert native[name] == value
        # Inside the container it listens for the published port, which is on loopback.
        assert said[name] == ("*" if name == "listen_addresses" else value), name


def test_kafka_has_the_same_settings_in_both(site):
    said = {
        name.removeprefix("KAFKA_").replace("_", ".").lower(): str(value)
        for name, value in COMPOSE[KAFKA]["environment"].items()
    }
    native = kafka.properties(site)
    for name, value in service(KAFKA).settings.items():
        assert native[name] == value
        assert said[name] == value, name
    assert f"-Xmx{KAFKA_HEAP}" in said["heap.opts"]


def test_mosquitto_has_the_same_settings_in_both(site):
    native = mosquitto.configuration(site).splitlines()
    contained = mosquitto.container_configuration().splitlines()
    for name, value in service(MOSQUITTO).settings.items():
        assert f"{name} {value}" in native
        assert f"{name} {value}" in contained


def test_kafkas_version_is_one_in_pom_and_table():
    pom = (REPOSITORY / "deploy" / "native" / "pom.xml").read_text()
    versions = re.findall(r"<artifactId>kafka[_-](?:2.13|tools)</artifactId>\s*<version>([^<]+)<", pom)
    assert versions == [KAFKA_VERSION, KAFKA_VERSION]


def test_every_stage_is_in_compose_with_its_own_words_and_settings():
    profile = {name: entry for name, entry in COMPOSE.items() if entry.get("profiles") == ["stages"]}
    assert set(profile) == {entry.name for entry in STAGES}
    for entry in STAGES:
        found = profile[entry.name]
        assert tuple(found["command"]) == entry.words
        assert found["environment"].items() >= dict(entry.environment).items()


def test_every_variable_that_compose_must_have_is_given(site):
    text = (REPOSITORY / "deploy" / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) <= set(containers.variables(site))


def test_the_image_holds_every_package_that_a_stage_needs():
    text = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \w+$", text, re.MULTILINE))
    assert {entry.words[0].partition(".")[0] for entry in STAGES} | {"contracts", "deploy"} <= copied
    assert all((Path(REPOSITORY) / name).is_dir() for name in copied)
