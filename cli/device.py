"""``./shouwang device``: devices with their MQTT accounts, and what becomes of their messages."""

import argparse
import asyncio
import json
import sys
from datetime import datetime
from typing import Any

from aiokafka.errors import KafkaError

from cli._database import actor, with_database
from cli._table import show
from contracts.kinds import ROLES, ROOMS
from contracts.names import topic_of
from deploy.site import Site
from storage import accounts, people
from storage.accounts import Account, account_of
from storage.database import Connection
from storage.device_watch import DeviceWatch, Seen
from storage.errors import NoLog, UnknownAccount
from storage.queries import fetch_all, query
from storage.records import Device

HELP = "devices: add with an MQTT account, list, watch live what is accepted and refused"
DEVICES = query("devices_list")
KNOWN_HOMES = query("known_homes")
KNOWN_ACCOUNTS = query("accounts_known")
GUIDE = "docs/device-makers.md"

EXAMPLES = {
    "wearable": '"kind":"vitals","heart_rate_bpm":72,"spo2_pct":97', "bed": '"kind":"presence","present":true,"posture":"lying"',
    "radar": '"kind":"presence","present":true', "chair": '"kind":"presence","present":true', "motion": '"kind":"motion","moving":true',
    "stove": '"kind":"power","on":true,"power_w":1400', "plug": '"kind":"power","on":true,"power_w":60', "light": '"kind":"power","on":true',
    "tap": '"kind":"water","flow_l_min":6', "water_meter": '"kind":"water","total_m3":12.5', "pendant": '"kind":"call","action":"press"',
    "smoke": '"kind":"smoke_alarm","alarm":true,"test":true', "gas": '"kind":"gas_alarm","alarm":true,"test":true',
    "co": '"kind":"co_alarm","alarm":true,"test":true', "leak": '"kind":"leak_alarm","alarm":true,"test":true',
    "thermometer": '"kind":"air","temperature_c":21.5', "fridge": '"kind":"holding","temperature_c":4.2,"mode":"cold"',
    "holding": '"kind":"holding","temperature_c":64,"mode":"hot"', "entrance_door": '"kind":"contact","open":true',
    "door": '"kind":"contact","open":true', "window": '"kind":"contact","open":true', "hood": '"kind":"power","on":true',
}  # fmt: skip
"""A first message for each role; others say that they are online."""
URGENT_ROLES = frozenset({"pendant", "smoke", "gas", "co", "leak"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """add, list, watch, password, revoke."""
    actions = parser.add_subparsers(dest="action", required=True)
    added = actions.add_parser("add", help="register a device and make its MQTT account; the password is printed once")
    added.add_argument("home", help="home id; with --gateway: the gateway's name")
    added.add_argument("device", nargs="?", help="device id within the home")
    added.add_argument("--role", choices=ROLES, default="other")
    added.add_argument("--room", choices=ROOMS, default="other")
    added.add_argument("--resident", help="whom it is worn by or watches, where a home has several")
    added.add_argument(
        "--gateway", metavar="AREA", help="an account that may write for all devices of this area (9 digits)"
    )
    listed = actions.add_parser("list", help="devices with their last sign")
    listed.add_argument("--home", default="", help="only home ids that begin so")
    listed.add_argument("--unbound", action="store_true", help="only those that were heard but that nobody registered")
    listed.add_argument("--at-most", type=int, default=1000)
    watched = actions.add_parser("watch", help="live: what is accepted, with values, and what is refused, and why")
    watched.add_argument("account", help="HOME.DEVICE")
    watched.add_argument(
        "--for", dest="for_s", type=float, metavar="SECONDS", help="stop after so long; otherwise on Ctrl-C"
    )
    renewed = actions.add_parser("password", help="a new password for an account, printed once")
    revoked = actions.add_parser("revoke", help="end an account; the broker closes its connection")
    for each in (renewed, revoked):
        each.add_argument("account", help="HOME.DEVICE, or a gateway's name")
    for each in (added, listed, watched, renewed, revoked):
        each.add_argument("--json", action="store_true", help="one JSON object on stdout (watch: one a line)")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    site = Site.load()
    match args.action:
        case "add":
            return _add_gateway(args, site) if args.gateway else _add(args, site)
        case "list":
            return _list(args, site)
        case "watch":
            return asyncio.run(_watch(args, site))
        case "password":
            return _renew(args, site)
        case _:
            return _revoke(args, site)


def _add(args: argparse.Namespace, site: Site) -> int:
    if not args.device:
        print("shouwang device add: name the device too: HOME DEVICE", file=sys.stderr)
        return 2
    name = account_of(args.home, args.device)
    device = Device(args.home, args.device, args.role, args.room, args.resident)

    async def work(connection: Connection) -> tuple[str, str]:
        async with connection.transaction():
            await people.register(connection, [device], actor=actor())
            password = (await accounts.create(connection, [Account(name)]))[name]
            home = (await fetch_all(connection, KNOWN_HOMES, home_ids=[args.home]))[0]
        await accounts.install(connection, site)
        return password, home["area_code"][:9]

    password, area = with_database(site, work)
    told = _connection(site, name, password) | {
        "topics": {channel: topic_of(area, args.home, args.device, channel) for channel in ("telemetry", "event", "status", "inertial", "receipt")},
    }  # fmt: skip
    told["example"] = _example(site, told, args.role)
    if args.json:
        print(json.dumps(told))
        return 0
    _tell(told)
    print("  topics 主题   publish at QoS 1; subscribe to receipt")
    for channel, topic in told["topics"].items():
        print(f"    {channel:<10} {topic}")
    print(f"  try it 试一试\n    {told['example']}")
    print(
        f"  and see what becomes of it: ./shouwang device watch {name}      all about messages, with a Python example: {GUIDE}"
    )
    return 0


def _connection(site: Site, name: str, password: str) -> dict[str, Any]:
    return {"account": name, "password": password, "host": site.listen, "port": site.ports.mqtts, "ca": str(site.ca)}


def _tell(told: dict[str, Any]) -> None:
    print(f"  account 账号  {told['account']}")
    print(f"  password 口令 {told['password']}   (shown once 仅显示一次)")
    print(f"  broker 服务器 mqtts://{told['host']}:{told['port']}   CA {told['ca']}")


def _example(site: Site, told: dict[str, Any], role: str) -> str:
    values = EXAMPLES.get(role, '"kind":"status","online":true')
    topic = told["topics"]["event" if role in URGENT_ROLES else "telemetry" if role in EXAMPLES else "status"]
    message = f'{{"t":\'$(date +%s)\',"sent":\'$(date +%s)\',"boot":\'$(date +%s)\',"seq":1,{values}}}'
    host = "127.0.0.1" if site.listen == "0.0.0.0" else site.listen
    return (
        f"mosquitto_pub -h {host} -p {told['port']} --cafile {told['ca']} -u {told['account']} -P {told['password']} -q 1 "
        f"-t {topic} -m '{message}'"
    )


def _add_gateway(args: argparse.Namespace, site: Site) -> int:
    if args.device:
        print("shouwang device add: a gateway has one name: NAME --gateway AREA", file=sys.stderr)
        return 2
    password = with_database(
        site, lambda connection: _made(connection, site, Account(args.home, "gateway", args.gateway))
    )
    told = _connection(site, args.home, password) | {"topics": {"write": f"shouwang/v1/{args.gateway}/#"}}
    if args.json:
        print(json.dumps(told))
    else:
        _tell(told)
        print(f"  it may write 可发布  {told['topics']['write']}  (shouwang/v1/{args.gateway}/HOME.DEVICE/CHANNEL)")
    return 0


async def _made(connection: Connection, site: Site, account: Account) -> str:
    async with connection.transaction():
        password = (await accounts.create(connection, [account]))[account.name]
    await accounts.install(connection, site)
    return password


def _renew(args: argparse.Namespace, site: Site) -> int:
    password = with_database(site, lambda connection: _renewed(connection, site, args.account))
    if args.json:
        print(json.dumps(_connection(site, args.account, password)))
    else:
        _tell(_connection(site, args.account, password))
    return 0


async def _renewed(connection: Connection, site: Site, name: str) -> str:
    known = next((row for row in await fetch_all(connection, accounts.VALID) if row["account"] == name), None)
    if known is None:
        raise UnknownAccount(account=name)
    return await _made(connection, site, Account(name, known["kind"], known["area"]))


def _revoke(args: argparse.Namespace, site: Site) -> int:
    async def work(connection: Connection) -> None:
        async with connection.transaction():
            if not await accounts.revoke(connection, args.account):
                raise UnknownAccount(account=args.account)
        await accounts.install(connection, site)

    with_database(site, work)
    print(json.dumps({"account": args.account, "revoked": True}) if args.json else f"{args.account}  revoked 已停用")
    return 0


def _list(args: argparse.Namespace, site: Site) -> int:
    async def work(connection: Connection) -> list[dict[str, Any]]:
        return await fetch_all(
            connection, DEVICES, home_prefix=args.home, only_unbound=args.unbound, at_most=args.at_most
        )

    devices = with_database(site, work)
    if args.json:
        print(json.dumps({"devices": devices}, default=str))
        return 0
    headings = ("account", "role", "room", "resident", "registered", "MQTT account", "last heard")
    rows = []
    for device in devices:
        seen = device["last_seen_at"].astimezone().strftime("%m-%d %H:%M:%S") if device["last_seen_at"] else "never"
        registered = "yes" if device["bound"] else "no" if device["home_known"] else "no, nor its home"
        rows.append((
            account_of(device["home_id"], device["device_id"]), device["role"], device["room"], device["resident_id"] or "",
            registered, "yes" if device["has_account"] else "", seen,
        ))  # fmt: skip
    show(headings, rows)
    return 0


async def _watch(args: argparse.Namespace, site: Site) -> int:
    accounts.check_account(Account(args.account))
    try:
        async with DeviceWatch(site.kafka, args.account) as watch:
            if not args.json:
                print(f"watching 正在观察 {args.account}; Ctrl-C ends", file=sys.stderr, flush=True)
            seen_any = False
            async for seen in watch.rows(args.for_s):
                seen_any = True
                print(json.dumps(_plain(seen), ensure_ascii=False) if args.json else _line(seen), flush=True)
    except KafkaError as error:
        raise NoLog(topic=f"at {site.kafka} ({error})") from error
    if not seen_any and not args.json:
        print(
            "nothing came 没有收到消息. Is the device connected (account, password, CA)? Does it publish to its own topic?",
            file=sys.stderr,
        )
    return 0


def _plain(seen: Seen) -> dict[str, Any]:
    return {name: value for name in seen.__struct_fields__ if (value := getattr(seen, name)) not in (None, "", {})}


def _line(seen: Seen) -> str:
    number = "" if seen.seq is None else f" boot {seen.boot} seq {seen.seq}"
    if seen.result == "refused":
        return f"{_clock(seen.at_s)}  拒收 refused   {seen.reason}{number}\n      {seen.detail}\n      {seen.topic}  {seen.payload}"
    word = "收到 accepted" if seen.result == "accepted" else "重复 repeated"
    values = " ".join(f"{name}={value}" for name, value in seen.values.items())
    delay_s = (seen.received_at_s or 0.0) - (seen.event_at_s or 0.0)
    via = f" by {seen.device_id}" if seen.device_id else ""
    return f"{_clock(seen.received_at_s)}  {word}  {seen.kind}{via}{' 紧急 urgent' if seen.lane == 'urgent' else ''}{number}  {values}  ({seen.clock} time, {delay_s:.1f} s before)"


def _clock(at_s: float | None) -> str:
    return "" if at_s is None else datetime.fromtimestamp(at_s).astimezone().strftime("%H:%M:%S.%f")[:-3]
