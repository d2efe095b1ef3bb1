"""What a sensor of a recorded home is and where it stands, told from its name and from what it says. Pure."""

import re
from collections.abc import Set

_ROOMS = (
    ("kitchen", "kitchen|stove|sink(?!.*bath)|fridge|refrigerator|microwave|pantry"),
    ("bathroom", "bath|toilet|shower|wc"),
    ("bedroom", "bed|closet"),
    ("living", "living|lounge|tv|couch|sofa"),
    ("dining", "dining"),
    ("entrance", "entr|front|outside|main"),
    ("corridor", "hall|corridor"),
    ("balcony", "balcony"),
)
_ENTRANCE = re.compile("entr|front|outside|main|back")


def slug(name: str, limit: int = 40) -> str:
    """A name as an id: lower case, words with hyphens."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")[:limit].strip("-") or "x"


def room_of(name: str) -> str:
    """Room of contracts.kinds.ROOMS; the room's own word goes before what stands in it (KitchenADiningChair is in the kitchen)."""
    lower = name.lower()
    found = [(match.start(), room) for room, words in _ROOMS if (match := re.search(words, lower))]
    return min(found)[1] if found else "other"


def thing_in_room(thing: str, room: str) -> tuple[str, str]:
    """Role and room of a thing of a home that is used in intervals (Burner, Light switch, Refrigerator ...), and what of it is switched on
    rather than opened. A tap that only says open is told like a door: nobody measured its flow."""
    lower = thing.lower()
    roles = (
        ("stove", "burner|stove|cooktop|hob|oven"),
        ("light", "light|lamp"),
        ("plug", "toaster|disposal|stereo|tv|television|computer|washer|dishwasher|dryer|fan|kettle"),
        ("fridge", "fridge|refrigerator|freezer"),
        ("tap", "faucet|tap|toilet"),
        ("door", "door"),
    )
    role = next((role for role, words in roles if re.search(words, lower)), "other")
    where = room_of(room)
    return role, "kitchen" if where == "other" and role in ("stove", "fridge") else where


def role_and_room(name: str, values: Set[str]) -> tuple[str, str]:
    """Role and room of a sensor that says ``values`` (ON OFF OPEN CLOSE)."""
    lower, room = name.lower(), room_of(name)
    if values & {"OPEN", "CLOSE"}:
        if "fridge" in lower or "refrigerator" in lower:
            return "fridge", "kitchen"
        if "window" in lower:
            return "window", room
        return ("entrance_door", "entrance") if _ENTRANCE.search(lower) else ("door", room)
    return ("light", room) if "light" in lower or "lamp" in lower else ("motion", room)
