"""One Kafka broker in KRaft mode: its jars, its settings, its command."""

import asyncio
import base64
import os
import shutil
import socket
import uuid
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from deploy.native import packages, root
from deploy.services import KAFKA, KAFKA_HEAP, KAFKA_VERSION, service
from deploy.site import LOOPBACK, Site
from deploy.steps import step

_POM = Path(__file__).with_name("pom.xml")


def jars(site: Site) -> Path:
    """The folder of the broker's jars; fetched once with Maven, from the host or from the root file system."""
    return site.cache / f"kafka-{KAFKA_VERSION}"


def provide(site: Site, system: Path) -> None:
    """Fetch the jars if they are not there. Raises StepFailed, NeedsRoot."""
    target = jars(site)
    if target.exists():
        return
    with root.only_one(site.cache / "kafka.lock") as held:
        if target.exists():
            return
        draft = target.with_name(f"{target.name}.draft")
        with step("kafka", f"fetch Kafka {KAFKA_VERSION} with Maven into {target}", long=True):
            shutil.rmtree(draft, ignore_errors=True)
            packages.run(
                [*_maven(system, draft), *_fetch(draft)], site.log("maven"), "fetching Kafka with Maven", held=(held,)
            )
            os.rename(draft, target)


def _fetch(target: Path) -> list[str]:
    return ["-B", "-ntp", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]


def _maven(system: Path, target: Path) -> list[str]:
    """Maven of the host; else that of the root file system, with the host's name resolution, certificates and Maven settings."""
    if shutil.which("mvn"):
        return ["mvn"]
    target.mkdir(parents=True)
    home = Path("~/.m2").expanduser()
    home.mkdir(exist_ok=True)
    lent = [Path(name) for name in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs") if Path(name).exists()]
    return root.inside(system, ["mvn", f"-Duser.home={home.parent}"], writable=(target, home), readable=(_POM, *lent))


def _data(site: Site) -> Path:
    return site.data / "kafka"


def properties(site: Site) -> dict[str, str]:
    """The broker's settings: those of the table, and what depends on the site."""
    client, controller = site.ports.kafka, site.ports.kafka_controller
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{client},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{client},CONTROLLER://{LOOPBACK}:{controller}",
        "log.dirs": str(_data(site) / "log"),
        **service(KAFKA).settings,
    }


def _java(site: Site, main: str, *arguments: str, heap: str = KAFKA_HEAP) -> list[str]:
    return [
        *("java", f"-Xmx{heap}", "-Xms128m", "-XX:+ExitOnOutOfMemoryError"),
        # One small broker that shares two cores: the optimising compiler took 7 s of CPU in a broker's first two minutes, half of all that
        # it used, and was still at it after; a collector with threads of its own has no core to run them on.
        *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
        *("-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
        *("-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dlog4j2.level=ERROR", "-Dlog4j2.StatusLogger.level=OFF"),
        *("-cp", f"{jars(site)}/*", main, *arguments),
    ]


def prepare(site: Site, system: Path) -> None:
    """Write the settings; format the log folder on first use."""
    folder = _data(site)
    folder.mkdir(exist_ok=True)
    settings = folder / "server.properties"
    settings.write_text("".join(f"{name}={value}\n" for name, value in properties(site).items()))
    if (folder / "log" / "meta.properties").exists():
        return
    with step("kafka", "format the log folder"):
        shutil.rmtree(folder / "log", ignore_errors=True)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One word: an identifier may begin with a dash, which as a word of its own reads as an option.
        name = f"--cluster-id={cluster}"
        tool = _java(site, "kafka.tools.StorageTool", "format", "--standalone", name, "-c", str(settings))
        command = root.inside(system, tool, writable=(folder,), readable=(jars(site),))
        packages.run(command, site.log("kafka-format"), "formatting Kafka's log folder")


def command(site: Site, system: Path) -> list[str]:
    """The broker, for the supervisor."""
    run = _java(site, "kafka.Kafka", str(_data(site) / "server.properties"))
    return root.server(system, run, writable=(_data(site),), readable=(jars(site),))


async def _answers(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    await admin.start()
    try:
        await admin.list_topics()
    finally:
        await admin.close()


def check(site: Site) -> None:
    """Ask for the list of topics. Raises whatever the client says while it is not ready."""
    # The port first: aiokafka logs every refused connection, which is the normal case during a start.
    socket.create_connection((LOOPBACK, site.ports.kafka), timeout=2).close()
    asyncio.run(_answers(site.kafka))
