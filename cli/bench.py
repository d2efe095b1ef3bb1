"""``./shouwang bench``: what the system does and costs, measured on this machine."""

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

from bench import alarms, api_reads, bridges, city, detection, falls, flow, fuzz, peer, state, store, tls, urgent
from cli._running import Running
from cli._table import show
from cli.train import RECORDINGS
from deploy import prepare
from deploy.engine import choose
from deploy.site import REPOSITORY, Site
from deploy.stages import STAGES, start

HELP = "measure on this machine: flow (messages/s, latencies, cost of each stage), city (the same with all homes of a city), store (rows/s into the database), detection and bridge (against peers), fuzz (hostile messages), state (what homes cost in the stream), api (reads with a city in the database), falls (accuracy on recordings), alarms (what a centre would hear)"

BENCH_DATA = REPOSITORY / ".shouwang-bench"
BENCH_PORT_BASE = 28600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which, how fast, how long."""
    what = parser.add_subparsers(dest="what", metavar="NAME", required=True)
    load = what.add_parser(
        "flow",
        help="the whole way under load",
        epilog=f"Runs on a site of its own ({BENCH_DATA.name}), unless SHOUWANG_DATA names one; starts what is not running and stops it again.",
    )
    load.add_argument("--rate", type=float, default=5000.0, metavar="N", help="messages a second (5000)")
    load.add_argument("--seconds", type=float, default=60.0, metavar="S", help="for so long (60)")
    load.add_argument("--homes", type=int, default=flow.HOMES, metavar="N", help=f"from so many homes ({flow.HOMES})")
    load.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    load.add_argument("--json", action="store_true", help="one JSON object on stdout")

    long = what.add_parser(
        "soak",
        help="flow for an hour: whether memory, files, connections or lag of any process grow",
        epilog=f"Runs on a site of its own ({BENCH_DATA.name}), which it empties first. Exit code 1 where something grew or was lost.",
    )
    long.add_argument("--rate", type=float, default=5000.0, metavar="N", help="messages a second (5000)")
    long.add_argument("--seconds", type=float, default=3600.0, metavar="S", help="for so long (3600)")
    long.add_argument("--homes", type=int, default=flow.HOMES, metavar="N", help=f"from so many homes ({flow.HOMES})")
    long.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    long.add_argument("--json", action="store_true", help="one JSON object on stdout")

    whole = what.add_parser(
        "city",
        help="a city: every home known, each device heard once a minute, through 100 gateway connections",
        epilog=f"Runs on a site of its own ({BENCH_DATA.name}), which it empties first. The registration of a city takes some minutes before.",
    )
    whole.add_argument("--rate", type=float, default=city.RATE_PER_S, metavar="N", help="messages a second (14000)")
    whole.add_argument("--seconds", type=float, default=city.SECONDS, metavar="S", help="for so long (600)")
    whole.add_argument("--homes", type=int, default=city.HOMES, metavar="N", help=f"homes ({city.HOMES})")
    whole.add_argument(
        "--pack", type=int, default=1, choices=(1, 3), help="readings a message: 3 is a hub that sends all at once (1)"
    )
    whole.add_argument(
        "--qos", type=int, default=1, choices=(0, 1), help="of the ordinary messages; presses and leaks go at 1 (1)"
    )
    whole.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    whole.add_argument("--json", action="store_true", help="one JSON object on stdout")

    for each in (load, whole):
        each.add_argument(
            "--profiles",
            type=Path,
            metavar="FOLDER",
            help="also record flame graphs of the stages, at some cost to the figures",
        )

    rows = what.add_parser("store", help="rows/s of the writer against the server's own COPY of the same rows")
    rows.add_argument("--rows", type=int, default=store.ROWS, metavar="N", help=f"rows a turn ({store.ROWS})")
    rows.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    rows.add_argument("--json", action="store_true", help="one JSON object on stdout")

    against = what.add_parser(
        "detection",
        help="one job in our worker and in its peers, answers compared; then all shipped detectors over a city's mix",
        epilog="Peers are made from bench/peers in the bench's data folder on first use (PyPI, Maven Central). Exit code 1 where our own answers are not those expected.",
    )
    against.add_argument("--rows", type=int, default=detection.ROWS, metavar="N", help=f"readings ({detection.ROWS})")
    against.add_argument(
        "--homes", type=int, default=city.HOMES, metavar="N", help=f"of the city in the mix ({city.HOMES})"
    )
    against.add_argument(
        "--peer",
        action="append",
        default=[],
        choices=sorted({way.peer for way in peer.WAYS} | {way.name for way in peer.WAYS} | {"none"}),
        help="only this one; may be repeated (all)",
    )
    against.add_argument("--no-mix", action="store_true", help="without the city's mix")
    against.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    against.add_argument("--json", action="store_true", help="one JSON object on stdout")

    between = what.add_parser(
        "bridge",
        help="MQTT to Kafka: CPU a message of our bridge and of its peers, order by home, and what three kills lose",
        epilog="Telegraf and mq-bridge are built from bench/peers in the bench's data folder on first use (Go's proxy, crates.io). Exit code 1 where our bridge lost a message or its order.",
    )
    between.add_argument(
        "--rate",
        type=float,
        default=bridges.RATE_PER_S,
        metavar="N",
        help=f"messages a second ({bridges.RATE_PER_S:g})",
    )
    between.add_argument(
        "--seconds", type=float, default=bridges.SECONDS, metavar="S", help=f"for so long ({bridges.SECONDS:g})"
    )
    between.add_argument(
        "--loss-messages",
        type=int,
        default=bridges.LOSS_MESSAGES,
        metavar="N",
        help=f"of the loss test ({bridges.LOSS_MESSAGES}), at 1.25 times the rate; 0 leaves it out",
    )
    between.add_argument(
        "--peer", action="append", default=[], choices=("telegraf", "mq_bridge", "none"), help="only this one (both)"
    )
    between.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    between.add_argument("--json", action="store_true", help="one JSON object on stdout")

    spoilt = what.add_parser(
        "fuzz",
        help="hostile messages beside ordinary ones: none stops anything, each is accounted for",
        epilog=f"Runs on a site of its own ({BENCH_DATA.name}), unless SHOUWANG_DATA names one. Exit code 1 where something did not hold.",
    )
    spoilt.add_argument("--count", type=int, default=fuzz.COUNT, metavar="N", help=f"hostile messages ({fuzz.COUNT})")
    spoilt.add_argument("--rate", type=float, default=fuzz.RATE_PER_S, metavar="N", help="of them a second (4000)")
    spoilt.add_argument("--seed", type=int, default=1)
    spoilt.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    spoilt.add_argument("--json", action="store_true", help="one JSON object on stdout")

    apart = what.add_parser(
        "tls",
        help="devices each on a TLS connection of its own: what one costs, and how all come back when the broker was away",
        epilog=f"Runs on a site of its own ({BENCH_DATA.name}), which it empties first. Exit code 1 where a device stayed away or a press was late.",
    )
    apart.add_argument(
        "--connections", type=int, default=tls.CONNECTIONS, metavar="N", help=f"devices ({tls.CONNECTIONS})"
    )
    apart.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    apart.add_argument("--json", action="store_true", help="one JSON object on stdout")

    pressed = what.add_parser(
        "urgent",
        help="how long an SOS takes while each of our processes is killed, and under more than the machine can take",
        epilog=f"Runs on a site of its own ({BENCH_DATA.name}), which it empties first. Exit code 1 where a press waited too long.",
    )
    pressed.add_argument("--only", choices=("kills", "flood"), help="only this one (both)")
    pressed.add_argument(
        "--window",
        type=float,
        default=urgent.WINDOW_S,
        metavar="S",
        help=f"watched after each kill ({urgent.WINDOW_S:g})",
    )
    pressed.add_argument(
        "--rate",
        type=float,
        default=urgent.FLOOD_PER_S,
        metavar="N",
        help=f"of the flood, a second ({urgent.FLOOD_PER_S:g})",
    )
    pressed.add_argument(
        "--seconds", type=float, default=urgent.FLOOD_S, metavar="S", help=f"of the flood ({urgent.FLOOD_S:g})"
    )
    pressed.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    pressed.add_argument("--json", action="store_true", help="one JSON object on stdout")

    reads = what.add_parser(
        "api",
        help="how long every list and read of the api takes with a city's people and a million past cases",
        epilog=f"Runs on a site of its own ({BENCH_DATA.name}), which it empties first.",
    )
    reads.add_argument(
        "--residents", type=int, default=api_reads.RESIDENTS, metavar="N", help=f"({api_reads.RESIDENTS})"
    )
    reads.add_argument("--cases", type=int, default=api_reads.CASES, metavar="N", help=f"past ones ({api_reads.CASES})")
    reads.add_argument("--native", action="store_true", help="without a container engine, even where there is one")
    reads.add_argument("--json", action="store_true", help="one JSON object on stdout")

    held = what.add_parser(
        "state", help="what homes cost in the stream: memory, ticks, snapshots, coming back; without services"
    )
    held.add_argument(
        "--homes",
        type=int,
        default=state.HOMES,
        metavar="N",
        help=f"and a tenth and a hundredth of them ({state.HOMES})",
    )
    held.add_argument("--json", action="store_true", help="one JSON object on stdout")

    acted = what.add_parser("falls", help="falls told from activities in recordings, one subject left out at a time")
    acted.add_argument("--set", choices=tuple(falls.SETS), help="only this one (both)")
    acted.add_argument("--data", type=Path, default=RECORDINGS, metavar="FOLDER", help="where the recordings lie")
    acted.add_argument("--json", action="store_true", help="one JSON object on stdout")

    heard = what.add_parser(
        "alarms",
        help="false alarms per operator-hour, by detector and score, from recordings and quiet simulated days",
    )
    heard.add_argument("--data", type=Path, default=RECORDINGS, metavar="FOLDER", help="where the recordings lie")
    heard.add_argument("--homes", type=int, default=alarms.HOMES, metavar="N", help=f"simulated ({alarms.HOMES})")
    heard.add_argument("--days", type=float, default=alarms.DAYS, metavar="N", help=f"of each ({alarms.DAYS:g})")
    heard.add_argument("--seed", type=int, default=1)
    heard.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Measure; exit code 1 if an acknowledged message was lost."""
    does = {
        "falls": _falls,
        "alarms": _alarms,
        "state": _state,
        "flow": _flow,
        "soak": _soak,
        "city": _flow,
        "store": _store,
        "detection": _detection,
        "bridge": _bridge,
        "fuzz": _fuzz,
        "api": _api,
        "tls": _tls,
        "urgent": _urgent,
    }
    return does[args.what](args)


def _alarms(args: argparse.Namespace) -> int:
    found = alarms.measure(args.data, args.homes, args.days, args.seed)
    if args.json:
        print(json.dumps(found))
        return 0
    show(alarms.HEADINGS, alarms.table(found))
    for what, most in (("must", alarms.MUST), ("goal", alarms.GOAL)):
        told = ", ".join(
            f"{float(answer):.0%} answer: {'yes' if met else 'no'}" for answer, met in found["meets"][what].items()
        )
        print(f"  {what}, at most {most:g} an hour and desk: {told}")
    return 0


def _state(args: argparse.Namespace) -> int:
    found = state.measure(args.homes)
    if args.json:
        print(json.dumps(found))
    else:
        show(state.HEADINGS, state.table(found))
    return 0


def _falls(args: argparse.Namespace) -> int:
    found = falls.measure(args.data, (args.set,) if args.set else tuple(falls.SETS))
    print(json.dumps(found, indent=None if args.json else 2))
    return 0


def _bench_site(native: bool) -> Site:
    """The bench's own site, emptied; or the one that the environment names, as it is."""
    os.environ.setdefault("SHOUWANG_DATA", str(BENCH_DATA))
    os.environ.setdefault("SHOUWANG_PORT_BASE", str(BENCH_PORT_BASE))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    site = Site.load()
    if site.data == BENCH_DATA:
        # What an earlier load left would be read and stored beside this one.
        choose(site, native=native).reset(site)
    return site


def _store(args: argparse.Namespace) -> int:
    site = _bench_site(args.native)
    with Running(site, native=args.native):
        prepare.services(site, native=args.native)
        figures = store.measure(site, args.rows)
    print(json.dumps(figures, indent=None if args.json else 2))
    return 0


def _detection(args: argparse.Namespace) -> int:
    site = _bench_site(args.native)
    with Running(site, native=args.native):
        prepare.services(site, native=args.native)
        figures = asyncio.run(detection.measure(site, args.rows, args.homes, args.peer, mix=not args.no_mix))
    if args.json:
        print(json.dumps(figures))
    else:
        detection.tell(figures)
    return 0 if all(each["equal"] for each in figures["ours"].values()) else 1


def _bridge(args: argparse.Namespace) -> int:
    site = _bench_site(args.native)
    with Running(site, native=args.native):
        prepare.services(site, native=args.native)
        figures = asyncio.run(bridges.measure(site, args.rate, args.seconds, args.loss_messages, args.peer))
    if args.json:
        print(json.dumps(figures))
    else:
        bridges.tell(figures)
    ours = [each["ours"] for each in (figures["steady"], figures["kills"]) if "ours" in each]
    return 1 if any(each["lost"] or each["disordered"] for each in ours) else 0


def _api(args: argparse.Namespace) -> int:
    site = _bench_site(args.native)
    with Running(site, native=args.native):
        prepare.services(site, native=args.native)
        start(site, [stage for stage in STAGES if stage.name == "api"])
        figures = asyncio.run(api_reads.measure(site, args.residents, args.cases))
    if args.json:
        print(json.dumps(figures))
    else:
        api_reads.tell(figures)
    return 0


def _fuzz(args: argparse.Namespace) -> int:
    site = _bench_site(args.native)
    with Running(site, native=args.native):
        prepare.services(site, native=args.native)
        start(site, STAGES)
        figures = asyncio.run(fuzz.measure(site, args.count, args.rate, args.seed))
    if args.json:
        print(json.dumps(figures))
    else:
        fuzz.tell(figures)
    return 0 if figures["ok"] else 1


def _tls(args: argparse.Namespace) -> int:
    site = _bench_site(args.native)
    with Running(site, native=args.native):
        prepare.services(site, native=args.native)
        start(site, STAGES)
        figures = asyncio.run(tls.measure(site, args.connections))
    if args.json:
        print(json.dumps(figures))
    else:
        tls.tell(figures)
    return 0 if figures["ok"] else 1


def _soak(args: argparse.Namespace) -> int:
    site = _bench_site(args.native)
    with Running(site, native=args.native):
        prepare.services(site, native=args.native)
        start(site, STAGES)
        figures = asyncio.run(flow.measure(site, args.rate, args.seconds, args.homes))
    grew = flow.grew(figures)
    if args.json:
        print(json.dumps(figures | {"grew": grew}))
    else:
        flow.tell(figures)
        show(flow.GROWTH_HEADINGS, flow.growth_table(figures))
        print(f"GREW: {', '.join(grew)}" if grew else "nothing grew")
    return 1 if figures["lost"] or grew else 0


def _urgent(args: argparse.Namespace) -> int:
    site = _bench_site(args.native)
    figures: dict[str, Any] = {"machine": urgent.machine()}
    with Running(site, native=args.native):
        prepare.services(site, native=args.native)
        start(site, STAGES)
        if args.only != "flood":
            figures["kills"] = asyncio.run(urgent.measure_kills(site, args.window))
        if args.only != "kills":
            figures["flood"] = asyncio.run(urgent.measure_flood(site, args.rate, args.seconds))
    figures["ok"] = all(figures[name]["ok"] for name in ("kills", "flood") if name in figures)
    if args.json:
        print(json.dumps(figures))
    else:
        urgent.tell(figures)
    return 0 if figures["ok"] else 1


def _flow(args: argparse.Namespace) -> int:
    site = _bench_site(args.native)
    with Running(site, native=args.native):
        prepare.services(site, native=args.native)
        start(site, STAGES)
        if args.what == "city":
            figures = asyncio.run(
                city.measure(site, args.rate, args.seconds, args.homes, args.pack, args.qos, args.profiles)
            )
        else:
            figures = asyncio.run(flow.measure(site, args.rate, args.seconds, args.homes, args.profiles))
    if args.json:
        print(json.dumps(figures))
    else:
        flow.tell(figures)
    return 1 if figures["lost"] else 0
