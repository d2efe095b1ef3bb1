"""Whether everything stands and has caught up: what a recovery is measured against.

Every process runs, every service and the api answer, and each part has said *after* the instant in question that it gets on and is not
behind: both bridges watch, all workers of the stream have come to within BEHIND_S of their bridges in every partition and lane, the writer has
accounted for what was stated since, each of the alerts twins has read what stood in Kafka, and no change of a case waits to be told.
"""

import asyncio
import http.client
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from psycopg import Error as DatabaseError

from contracts.admin import partitions
from contracts.topics import DETECTIONS, DETECTIONS_URGENT
from deploy import ready
from deploy.services import SERVICES
from deploy.site import LOOPBACK, Site
from deploy.supervise import Supervisor
from ingest import state_file
from storage.database import connect
from storage.queries import fetch_all, fetch_one, query

BEHIND_S = 3.0
"""Stream time this close to what its bridge has stated is caught up, s of wall time: ticks and progress come once a second."""
TOLD_S = 5.0
"""A change of a case waits no longer than this to be told, s."""
TWINS = ("alerts-1", "alerts-2")
_PIPELINE = query("api_pipeline")
_HEARD = query("chaos_heard")
_OUTBOX = query("api_outbox")
_OFFSETS = query("consumer_offsets")

Ends = Mapping[tuple[str, int], int]


class Standing:
    """Looks at one site. ``processes``: names that must run; ``sources``: bridges that must watch, with
    the speed of their clock; ``groups``: the stream's, as its workers name them in their progress."""

    def __init__(
        self, site: Site, processes: Sequence[str], sources: Mapping[str, float], groups: Sequence[str]
    ) -> None:
        self._site, self._processes, self._sources, self._groups = site, processes, dict(sources), groups
        self._supervisor = Supervisor(site)

    def ended(self, source: str) -> None:
        """Who plays this source has nothing more to say: its clock stands, and is not waited for."""
        del self._sources[source]

    async def lacks(self, since_wall_s: float) -> str:
        """The first thing that does not stand, or has not shown since ``since_wall_s`` that it does; empty when all is well."""
        if found := await asyncio.to_thread(self._processes_and_answers):
            return found
        if found := self._bridges(since_wall_s):
            return found
        try:
            ends = await self._ends()
            connection = await connect(self._site.conninfo(), "chaos")
        except (KafkaError, DatabaseError, OSError) as error:
            return f"services: {type(error).__name__}"
        try:
            rows = await fetch_all(connection, _PIPELINE, since=datetime.fromtimestamp(since_wall_s, UTC))
            if found := self._stream([*rows], since_wall_s):
                return found
            heard = await fetch_all(connection, _HEARD, sources=list(self._sources))
            if len(heard) < len(self._sources) or min(row["heard_wall_s"] for row in heard) < since_wall_s:
                return "writer: has not accounted for what was stated since"
            for twin in TWINS:
                read = await fetch_all(connection, _OFFSETS, consumer=twin)
                at = {(row["topic"], row["partition"]): row["next_offset"] for row in read}
                if any(at.get(place, 0) < end for place, end in ends.items()):
                    return f"{twin}: has not read all detections"
            told = await fetch_one(connection, _OUTBOX)
            if told and told["made_at"] and time.time() - told["made_at"].timestamp() > TOLD_S:
                return "alerts: a change of a case waits to be told"
        except (DatabaseError, OSError) as error:
            return f"services: {type(error).__name__}"
        finally:
            await connection.close()
        return ""

    def _processes_and_answers(self) -> str:
        states = {state.name: state.state for state in self._supervisor.states()}
        for name in self._processes:
            if states.get(name) != "RUNNING":
                return f"{name}: {states.get(name, 'unknown')}"
        for service in SERVICES:
            if not ready.is_ready(self._site, service.name):
                return f"{service.name}: does not answer"
        return "" if _api_answers(self._site.ports.api) else "api: does not answer"

    def _bridges(self, since_wall_s: float) -> str:
        for source in self._sources:
            said = state_file.read(self._site.data, source)
            if said is None or said.at_s < since_wall_s:
                return f"ingest-{source}: has said nothing since"
            if said.state != "watching":
                return f"ingest-{source}: {said.state}"
            if said.held_until_s is None or said.now_s - said.held_until_s > BEHIND_S * self._sources[source]:
                return f"ingest-{source}: behind"
        return ""

    def _stream(self, rows: Sequence[Mapping[str, Any]], since_wall_s: float) -> str:
        known = {(row["stream_group"], row["source"], row["partition"]): row for row in rows}
        for source in self._sources:
            said = state_file.read(self._site.data, source)
            if said is None or said.held_until_s is None:
                return f"ingest-{source}: has said nothing since"
            for group in self._groups:
                for partition in range(partitions()):
                    row = known.get((group, source, partition))
                    place = f"{group}: partition {partition} of {source}"
                    if row is None or row["moved_at"].timestamp() < since_wall_s or row["watched_until_at"] is None:
                        return f"{place} has not moved since"
                    behind_s = said.held_until_s - row["watched_until_at"].timestamp()
                    if behind_s > BEHIND_S * self._sources[source]:
                        return f"{place} is {behind_s:.0f} s behind"
        return ""

    async def _ends(self) -> Ends:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._site.kafka, enable_auto_commit=False, request_timeout_ms=5000
        )
        await consumer.start()
        try:
            await consumer._client.force_metadata_update()
            places = [
                TopicPartition(topic, number)
                for topic in (DETECTIONS, DETECTIONS_URGENT)
                for number in consumer.partitions_for_topic(topic) or ()
            ]
            return {(place.topic, place.partition): end for place, end in (await consumer.end_offsets(places)).items()}
        finally:
            await consumer.stop()


def _api_answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/openapi.json")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
