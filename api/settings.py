"""Settings of the api, read once from SHOUWANG_API_* and the shared variables."""

from typing import Annotated

import msgspec
from msgspec import Meta

from contracts import canaries, settings
from contracts.errors import BadSetting

Positive = Annotated[float, Meta(gt=0)]


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the api needs to know; times in seconds, wall clock."""

    token_secret: Annotated[str, Meta(min_length=32)]
    """Signs access tokens. The same for every api process of a site."""
    kafka: str = "127.0.0.1:9092"
    database: str = "postgresql://shouwang@127.0.0.1:5432/shouwang"
    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback wants ``secure_cookie`` and a proxy that speaks TLS."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 18800
    secure_cookie: bool = False
    """Send the refresh cookie over TLS only. False is for loopback alone."""
    access_token_s: Positive = 900.0
    """Life of an access token, s. What is taken from a browser's memory is worth this long."""
    session_s: Positive = 43_200.0
    """Longest session without a new log-in, s: one shift of 12 hours."""
    heartbeat_s: Annotated[float, Meta(gt=0, le=10)] = 2.0
    """Between two heartbeats of a stream, s. The console calls itself stale after three."""
    stream_queue: Annotated[int, Meta(ge=1)] = 2_000
    """Changes that wait for one slow console before it is dropped; it comes back and gets a new snapshot."""
    stream_send_s: Positive = 10.0
    """Longest that one write to a console may wait, s, before it is dropped."""
    partitions: Annotated[int, Meta(ge=1)] = 16
    """Partitions of the topics that follow homes; the shared setting SHOUWANG_PARTITIONS."""
    pool: Annotated[int, Meta(ge=2, le=100)] = 8
    """Connections to the database."""
    query_s: Positive = 5.0
    """Longest that a query may take, s; then 503 instead of a page that hangs."""
    zone: str = "Asia/Shanghai"
    """Time zone of the centre: in it a report's days and hours of the day are counted."""
    standstill_s: Positive = 15.0
    """Progress of a partition older than this on the wall clock: the pipeline stands still there."""
    canary_s: Annotated[float, Meta(ge=0, le=600)] = 0.0
    """How often a canary goes through each partition and lane, s; 0 = none (nobody knows then whether the whole way works). A site's own default is 55."""
    canary_late_s: Positive = 120.0
    """Older proof than this is red in every header and stops the dead man's ping, s (design, section 6, rule 11)."""
    canary_blind_s: Positive = canaries.BLIND_S
    """A canary that was sent and has not come for longer: nobody of its partition is seen. As SHOUWANG_ALERTS_CANARY_BLIND_S."""
    canary_user: str = "canary"
    """MQTT account of the canaries; the broker's ACL lets it write in their area only."""
    canary_password: str = ""
    canary_tls: bool = False
    """Connect to ``mqtt_tls_port`` and check the broker against ``mqtt_ca``. Needed as soon as the broker is another machine."""
    mqtt_host: str = "127.0.0.1"
    mqtt_port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    mqtt_tls_port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    mqtt_ca: str = ""
    dead_man_url: Annotated[str, Meta(pattern=r"^(https?://.+)?$")] = ""
    """Outside address that is asked for while all is well, so that somebody hears when this site dies; empty = none. See docs/operating.md."""
    dead_man_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    """How often, s (design: every minute)."""
    fhir_url: Annotated[str, Meta(pattern=r"^(https?://.+)?$")] = ""
    """Where an incident is POSTed for medicine (120, the paired clinic); empty = only as a file."""
    fhir_token: str = ""
    """Bearer token for it."""
    telephony_secret: str = ""
    """Signs what a telephone system says to this site and what it is told (docs/telephony.md); empty: nobody may say that it rings."""
    telephony_ring_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    """A call that nobody picked up for so long becomes a case by itself, s. Chosen: when an unclaimed P1 reaches all desks (design, section 6, rule 5)."""
    telephony_dial_url: Annotated[str, Meta(pattern=r"^(https?://.+)?$")] = ""
    """Where numbers to dial are POSTed; empty: the page's own ``tel:`` links dial. Wants ``telephony_secret``."""
    push_key: str = ""
    """Private key of this site for Web Push, as alerts has it (shared SHOUWANG_PUSH_KEY); browsers are given the public one. Empty: none is offered."""
    push_services: tuple[str, ...] = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        ".push.apple.com",
        ".notify.windows.com",
    )
    """Where browsers may have us send: host names (with a dot in front: all below it), or beginnings of an address with its scheme. Nothing else, for this
    machine must not be made to send somewhere inside."""
    kin_ways: tuple[str, ...] = ()
    """How kin may choose to be told: name=Apprise address, with ``{to}`` where their number or address goes, separated by commas, for example
    ``sms=dmessage://KEY/{to},mail=mailtos://user:word@host?to={to}``. The site's own gateways: kin bring no address of their own."""

    def ways(self) -> dict[str, str]:
        """Raises BadSetting."""
        found = dict(each.partition("=")[::2] for each in self.kin_ways)
        without = [name for name, address in found.items() if not name or "{to}" not in address]
        if without:
            raise BadSetting(name="SHOUWANG_API_KIN_WAYS", detail=f"no name=address with {{to}}: {', '.join(without)}")
        return found


def read() -> ApiSettings:
    """Settings from the environment. Raises BadSetting."""
    found = settings.read(ApiSettings, "SHOUWANG_API_")
    found.ways()
    if found.telephony_dial_url and not found.telephony_secret:
        raise BadSetting(
            name="SHOUWANG_API_TELEPHONY_DIAL_URL",
            detail="what is dialled is signed: set SHOUWANG_API_TELEPHONY_SECRET",
        )
    if found.host not in ("127.0.0.1", "::1", "localhost") and not found.secure_cookie:
        raise BadSetting(
            name="SHOUWANG_API_HOST",
            detail=f"{found.host} is no loopback address, so SHOUWANG_API_SECURE_COOKIE=true and a TLS proxy are needed",
        )
    return found
