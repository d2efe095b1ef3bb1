"""Settings of one alerts process, from SHOUWANG_ALERTS_*."""

from typing import Annotated

import msgspec
from msgspec import Meta

from alerts.asking import ASKED_PER_DAY
from contracts.canaries import BLIND_S as CANARY_BLIND_S
from contracts.topics import PARTITIONS


class AlertsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the twins. Times in s."""

    instance: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}\Z")] = "alerts-1"
    """Name of this instance: its offsets in the database stand under it. No two running ones may share it."""
    kafka: str = "127.0.0.1:9092"
    database: str = "postgresql://127.0.0.1/shouwang"
    sweep_s: Annotated[float, Meta(gt=0, le=10)] = 1.0
    """How often timers are looked at."""
    relay_poll_s: Annotated[float, Meta(gt=0, le=10)] = 0.2
    """How often the outbox is looked at for changes that others (api, twin) wrote; own ones are sent at once."""
    relay_take_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    """How long the twin leaves events alone that this one is sending: what a crash delays them by."""
    batch: Annotated[int, Meta(ge=1, le=1_000)] = 25
    """Most technical detections in one transaction. It holds the rows of so many homes until it ends."""
    back_off_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    """Longest pause between attempts while the database or Kafka is away."""
    asking_s: Annotated[float, Meta(gt=0, le=30)] = 1.0
    """How often it is looked whom to ask."""
    asked_per_day: Annotated[int, Meta(ge=1, le=1_000)] = ASKED_PER_DAY
    """About how many cases a home is asked first in 24 h; a desk hears of further ones at once."""
    voice_url: str = ""
    """Where questions to residents are posted (docs/voice-gateway.md); empty: nobody is rung up."""
    voice_secret: str = ""
    """What the gateway knows us by: sent as ``Authorization: Bearer``."""
    voice_limit_s: Annotated[float, Meta(gt=0, le=10)] = 5.0
    """Longest that the gateway may take to say that it has a question."""
    answer_url: str = "http://127.0.0.1:18800/api/v1/questions"
    """The api's address for answers as the gateway reaches it."""
    second_twin: bool = False
    """Waits longer before it tells what nobody recorded, so that it can hear whether the first one did. True for one of the two."""
    notify_s: Annotated[float, Meta(gt=0, le=10)] = 0.5
    """How often it is looked whom to tell."""
    notify_limit_s: Annotated[float, Meta(gt=0, le=25)] = 10.0
    """Longest that one message may take; it is left behind then, and tried again."""
    push_key: str = ""
    """Private key of this site for Web Push (VAPID), 32 bytes in base64url; shared SHOUWANG_PUSH_KEY. Empty: browsers are not told."""
    push_contact: Annotated[str, Meta(pattern=r"^(mailto:|https://).+")] = "mailto:watch@localhost"
    """Whom a push service may complain to. Give the site's own: some refuse ``localhost``."""
    progress_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    """How often the table ``pipeline`` is written."""
    partitions: Annotated[int, Meta(ge=1, le=1_024)] = PARTITIONS
    """Partitions of the topics that follow homes; the shared setting SHOUWANG_PARTITIONS."""
    coverage_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    """How often coverage is brought up to what changed."""
    standstill_s: Annotated[float, Meta(gt=0, le=600)] = 15.0
    """Progress of a partition older than this: the pipeline stands there and nobody is seen. As the api's SHOUWANG_API_STANDSTILL_S."""
    canary_blind_s: Annotated[float, Meta(gt=0, le=86_400)] = CANARY_BLIND_S
    """A canary that was sent and has not come for longer: nobody of its partition is seen. As the api's SHOUWANG_API_CANARY_BLIND_S."""
    incident_homes: Annotated[int, Meta(ge=2, le=10_000)] = 20
    """So many homes of one town (nine digits of the area code) that fall silent within ``incident_s`` are one incident. Chosen: homes that lose
    their line by themselves once a week each are 4 or 5 in a town of 3,000 homes in that time, so chance does not make 20."""
    incident_s: Annotated[float, Meta(gt=0, le=86_400)] = 900.0
    """Minutes in which they belong together, s. Chosen: of what fails at one moment a hub counts as silent after 90 s and a worn watch after 15 min."""
    keep_sent_days: Annotated[float, Meta(gt=0, le=3_650)] = 7
    """Sent events stay in the outbox this long; the audit keeps the story."""
    stop_s: Annotated[float, Meta(gt=0, le=60)] = 4.0
    """Longest that stopping may take; what is unfinished then is undone and read again."""
    metrics_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    """Prometheus text on 127.0.0.1; 0 = off."""
    log: str = "INFO"
