"""A neighbourhood of invented people: homes, residents, contacts and devices, drawn from a seed, and its CSV for ``home import``.

The same seed always gives the same people. Nobody here exists; telephone numbers use the prefix 000, which is not assigned.
"""

import csv
from collections.abc import Iterable
from random import Random
from typing import NamedTuple, TextIO

import msgspec

from contracts.names import AREA_DEMO
from simulators.clock import ZONE

CSV_COLUMNS = (
    "record", "home_id", "area_code", "address", "zone", "care_level", "key_at", "pets", "resident_id", "name", "birth_year", "sex", "phone", "note",
    "conditions", "mobility", "dialect", "oxygen",
    "contact_name", "contact_relation", "contact_phone", "device_id", "role", "room", "device_resident",
)  # fmt: skip
"""Columns that ``home import`` understands; one row a home, resident, contact or device, told by ``record``."""

_SURNAMES = tuple("陈林黄郑胡沈徐叶施岑罗余童戎孙周吴王李张方马陆虞翁")
_WOMEN = (
    "秀英",
    "桂兰",
    "玉珍",
    "凤仙",
    "彩娟",
    "阿芬",
    "月琴",
    "菊香",
    "素贞",
    "惠芳",
    "春梅",
    "杏娣",
    "金花",
    "雪琴",
    "美玲",
    "根娣",
)
_MEN = (
    "国强",
    "建华",
    "福根",
    "水根",
    "志明",
    "德康",
    "阿祥",
    "永年",
    "启明",
    "宝兴",
    "友根",
    "长庚",
    "瑞祥",
    "世昌",
    "文炳",
    "忠义",
)
_YOUNG = ("海波", "丽君", "晓燕", "伟军", "建峰", "雅萍", "志豪", "婷婷", "俊杰", "敏", "磊", "静")
_ESTATES = (
    "金山新村",
    "孙塘小区",
    "虞波公寓",
    "白沙苑",
    "浒山老街",
    "担山家园",
    "明州里",
    "峙山花园",
)
_RELATIONS = (
    ("女儿", "f"),
    ("儿子", "m"),
    ("邻居", "f"),
    ("侄子", "m"),
    ("社区网格员", "f"),
)
_KNOWN: tuple[dict[str, str], ...] = (
    {},
    {},
    {"oxygen": "no", "mobility": "walks"},
    {"note": "听力不好,请大声说话", "dialect": "慈溪话"},
    {"conditions": "糖尿病", "oxygen": "no"},
    {"mobility": "frame", "conditions": "慢阻肺", "oxygen": "yes"},
    {"pets": "一只猫"},
    {"key_at": "对门邻居处"},
    {"conditions": "高血压,每晚服药", "mobility": "stick"},
)
"""What the centre knows of somebody beside the name: of many nothing."""


class Device(NamedTuple):
    """One device of a home. ``resident_id`` is set for what is worn or lain upon."""

    device_id: str
    role: str
    room: str
    resident_id: str = ""


class Contact(NamedTuple):
    name: str
    relation: str
    phone: str


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """A home with one resident who lives alone. ``seed`` fixes all habits and days."""

    home_id: str
    area: str
    """MQTT area, 9 digits; ``area_code`` adds the community's three."""
    area_code: str
    address: str
    care_level: int
    resident_id: str
    name: str
    birth_year: int
    sex: str
    phone: str
    known: dict[str, str]
    contacts: tuple[Contact, ...]
    devices: tuple[Device, ...]
    seed: str

    def device(self, device_id: str) -> Device | None:
        """The device of that id, if the home has it."""
        return next((device for device in self.devices if device.device_id == device_id), None)

    @property
    def own_accounts(self) -> tuple[str, ...]:
        """Devices that connect for themselves: the hub, and the watch of every third home (a watch with its own SIM card)."""
        return tuple(device.device_id for device in self.devices if device.device_id in ("hub", "watch4g"))


ALWAYS = (
    Device("hub", "hub", "living"),
    Device("pir-living", "motion", "living"),
    Device("pir-bedroom", "motion", "bedroom"),
    Device("pir-kitchen", "motion", "kitchen"),
    Device("pir-bath", "motion", "bathroom"),
    Device("door", "entrance_door", "entrance"),
    Device("stove", "stove", "kitchen"),
    Device("tap", "tap", "kitchen"),
    Device("water", "water_meter", "other"),
    Device("gas", "gas", "kitchen"),
    Device("co", "co", "kitchen"),
    Device("smoke", "smoke", "living"),
)
"""What every simulated home has; the rest depends on the person."""


def _home(number: int, seed: int, area: str, prefix: str) -> Home:
    home_id = f"{prefix}-{number:03d}"
    rng = Random(f"{seed}/{home_id}/people")
    sex = rng.choice("fffmm")
    resident_id = f"{home_id}-r1"
    devices = list(ALWAYS)
    devices.append(Device("sos", "pendant", "other", resident_id))
    if number % 3 == 0:
        devices.append(Device("watch4g", "wearable", "other", resident_id))
    elif number % 3 == 1:
        devices.append(Device("watch", "wearable", "other", resident_id))
    if rng.random() < 0.6:
        devices.append(Device("radar", "radar", "bathroom"))
    if rng.random() < 0.5:
        devices.append(Device("bed", "bed", "bedroom", resident_id))
    if rng.random() < 0.7:
        devices.append(Device("fridge", "fridge", "kitchen"))
    if rng.random() < 0.7:
        devices.append(Device("tv", "plug", "living"))
    surname = rng.choice(_SURNAMES)
    contacts = []
    for rank, (relation, _) in enumerate(rng.sample(_RELATIONS, rng.choice((1, 2, 2, 3)))):
        family_name = surname if relation in ("女儿", "儿子", "侄子") else rng.choice(_SURNAMES)
        contacts.append(
            Contact(
                family_name + rng.choice(_YOUNG),
                relation,
                f"000{number:04d}{rank + 1:04d}",
            )
        )
    return Home(
        home_id=home_id,
        area=area,
        area_code=f"{area}{rng.choice((1, 2, 3)):03d}",
        address=f"慈溪市{rng.choice(_ESTATES)}{rng.randint(1, 28)}幢{rng.randint(1, 6)}0{rng.randint(1, 4)}室",
        care_level=rng.choice((0, 0, 1, 1, 2, 2, 3, 4)),
        resident_id=resident_id,
        name=surname + rng.choice(_WOMEN if sex == "f" else _MEN),
        birth_year=rng.randint(1934, 1958),
        sex=sex,
        phone=f"000{number:04d}0000",
        known=rng.choice(_KNOWN),
        contacts=tuple(contacts),
        devices=tuple(devices),
        seed=f"{seed}/{home_id}",
    )


def neighbourhood(homes: int, seed: int = 1, *, area: str = AREA_DEMO, prefix: str = "demo") -> list[Home]:
    """``homes`` homes named ``<prefix>-001`` onwards. A larger neighbourhood contains the smaller one of the same seed."""
    return [_home(number, seed, area, prefix) for number in range(1, homes + 1)]


def write_csv(homes: Iterable[Home], file: TextIO) -> int:
    """Write what ``home import`` reads; returns the number of rows below the heading."""
    writer = csv.DictWriter(file, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    rows = 0
    for home in homes:
        of_home: list[dict[str, str]] = [
            {
                "record": "home", "area_code": home.area_code, "address": home.address, "zone": ZONE, "care_level": str(home.care_level),
                **{name: home.known[name] for name in ("key_at", "pets") if name in home.known},
            },
            {
                "record": "resident", "resident_id": home.resident_id, "name": home.name, "birth_year": str(home.birth_year),
                "sex": home.sex, "phone": home.phone,
                **{name: home.known[name] for name in ("note", "conditions", "mobility", "dialect", "oxygen") if name in home.known},
            },
        ]  # fmt: skip
        for contact in home.contacts:
            of_home.append(
                {
                    "record": "contact", "contact_name": contact.name, "contact_relation": contact.relation, "contact_phone": contact.phone,
                }
            )  # fmt: skip
        for device in home.devices:
            of_home.append(
                {
                    "record": "device", "device_id": device.device_id, "role": device.role, "room": device.room,
                    "device_resident": device.resident_id,
                }
            )  # fmt: skip
        for row in of_home:
            writer.writerow(row | {"home_id": home.home_id})
        rows += len(of_home)
    return rows
