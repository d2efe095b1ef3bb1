"""The console's words and types, held against the table of languages, the vocabulary of the contracts, and OpenAPI."""

import json
import re
from pathlib import Path

from alerts.notices import KINDS
from api.app import create
from api.settings import ApiSettings
from contracts.alerts import Change, Condition, Handling
from contracts.detections import FAMILIES
from contracts.kinds import ROOMS

CONSOLE = Path(__file__).parents[3] / "api" / "console"
TEXTS = json.loads((CONSOLE / "src" / "texts.json").read_text(encoding="utf-8"))
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((CONSOLE / "src").glob("*.ts*")))
PHONE = json.loads((CONSOLE / "src" / "phone" / "texts.json").read_text(encoding="utf-8"))
PHONE_SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((CONSOLE / "src" / "phone").glob("*.ts")))


def values_of(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_each_text_is_in_both_languages_with_the_same_values() -> None:
    assert [
        key for key, row in TEXTS.items() if set(row) != {"zh", "en"} or not all(text.strip() for text in row.values())
    ] == []
    assert [key for key, row in TEXTS.items() if values_of(row["zh"]) != values_of(row["en"])] == []


def test_no_text_stands_in_the_table_for_nothing() -> None:
    groups = {
        "family",
        "handling",
        "condition",
        "priority",
        "coverage",
        "kind",
        "room",
        "stage",
        "role",
        "change",
        "step",
        "result",
        "helper",
        "recipient",
        "rung",
        "dial",
        "sex",
        "mobility",
    }
    unused = [key for key in TEXTS if f'"{key}"' not in SOURCE and key.split(".")[0] not in groups]
    templates = set(re.findall(r"`(\w+)\.\$\{", SOURCE)) | {"queue", "act", "nav"}
    assert [key for key in unused if key.split(".")[0] not in templates] == []


def test_every_word_that_the_server_says_has_its_text() -> None:
    words = {
        "family": FAMILIES, "handling": Handling.__args__, "condition": Condition.__args__, "change": Change.__args__, "room": ROOMS,
        "coverage": ("protected", "degraded", "blind"),
        "kind": ("motion", "contact", "presence", "pulse", "power", "water", "vitals", "call"), "stage": ("ok", "late", "away", "unknown"),
        "role": ("operator", "supervisor", "family", "admin", "helper", "platform"), "priority": ("1", "2", "3", "4", "5"),
        "recipient": ("desk", "supervisor", "wall", "backup_centre", "kin"), "rung": tuple(KINDS),
    }  # fmt: skip
    assert [
        f"{group}.{word}" for group, every in words.items() for word in every if f"{group}.{word}" not in TEXTS
    ] == []


def test_no_chinese_stands_outside_the_table() -> None:
    lines = [
        line
        for line in SOURCE.splitlines()
        if re.search(r"[\u4e00-\u9fff]", line) and "守望 " not in line and "守望<" not in line
    ]
    assert [line for line in lines if line.strip() != "守望 <small>Shouwang</small>"] == []


def test_types_name_only_what_the_api_says() -> None:
    schemas = create(ApiSettings(token_secret="x" * 32)).openapi()["components"]["schemas"]
    wrong: list[str] = []
    types = (CONSOLE / "src" / "types.ts").read_text(encoding="utf-8")
    extended: dict[str, str] = {}
    for name, parent, body in re.findall(r"export interface (\w+)(?: extends (\w+))? \{(.*?)\}", types, re.DOTALL):
        extended[name] = parent
        schema = schemas.get(name)
        if schema is None and name in ("Snapshot", "Change"):
            continue  # events of the stream: OpenAPI cannot describe them as a response
        if schema is None:
            wrong.append(f"{name} is no schema")
            continue
        fields = set(re.findall(r"(?:^|[;{\n])\s*(\w+)\??:", body))
        wrong += [f"{name}.{field}" for field in fields - schema["properties"].keys()]
    assert wrong == []


def test_the_lock_file_names_no_registry_and_every_version_is_exact() -> None:
    lock = (CONSOLE / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert "registry" not in lock
    package = json.loads((CONSOLE / "package.json").read_text(encoding="utf-8"))
    versions = package["dependencies"] | package["devDependencies"]
    assert [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert "omit-lockfile-registry-resolved=true" in (CONSOLE / ".npmrc").read_text(encoding="utf-8")


def test_the_telephone_s_texts_are_in_both_languages_used_and_all_there() -> None:
    assert [
        key for key, row in PHONE.items() if set(row) != {"zh", "en"} or values_of(row["zh"]) != values_of(row["en"])
    ] == []
    asked = set(re.findall(r'\bt\(\s*"([\w.]+)"', PHONE_SOURCE))
    for either in re.findall(r'\? "([\w]+\.[\w]+)" : "([\w]+\.[\w]+)"', PHONE_SOURCE):
        asked |= set(either)
    assert asked - PHONE.keys() == set()
    words = {"family": set(FAMILIES) - {"technical"}, "relative": ("well", "somebody", "quiet", "alert", "cannot_see"), "day": ("up", "meal", "out", "home", "in_bed"),
             "result": ("well", "helped", "handed_over", "not_met", "needs_more"), "notice": ("away", "visitor"), "visit": ("door", "phone")}  # fmt: skip
    assert [
        f"{group}.{word}" for group, every in words.items() for word in every if f"{group}.{word}" not in PHONE
    ] == []
    assert not re.search(r"[\u4e00-\u9fff]", PHONE_SOURCE)
