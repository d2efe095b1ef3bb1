"""Home cards: what the stream must know of a home, as a function of what is registered and learned about it.

Whoever changes one of these facts calls ``refresh_card`` in the same transaction. A card that came out differently gets the next version;
the keeper finds it and puts it into the log.
"""

from collections.abc import Sequence

from contracts.home_cards import encode
from contracts.kinds import Card
from storage.database import Connection
from storage.queries import Row, execute, fetch_all, query

LOCK_HOMES = query("lock_homes")
FACTS = query("facts_for_cards")
PUT_CARDS = query("put_cards")


def card_of(facts: Row, version: int) -> Card:
    """The card of one home from a row of the query ``facts_for_cards``. No name, address or telephone number is on it."""
    return Card(
        version=version,
        zone=facts["zone"],
        area_code=facts["area_code"],
        care_level=facts["care_level"],
        residents=tuple(facts["residents"] or ()),
        device_ids=tuple(facts["device_ids"] or ()),
        device_roles=tuple(facts["device_roles"] or ()),
        device_rooms=tuple(facts["device_rooms"] or ()),
        device_residents=tuple(facts["device_residents"] or ()),
        device_worn=tuple(facts["device_worn"]) if any(facts["device_worn"] or ()) else (),
        away_until_s=facts["away_until_s"],
        visitor_until_s=facts["visitor_until_s"],
        learned_days=facts["learned_days"] or 0,
        silence_min=tuple(facts["silence_min"] or ()),
        device_places=_places(facts),
        threshold_names=tuple(facts["usual_names"] or ()),
        threshold_values=tuple(facts["usual_values"] or ()),
        removed=facts["removed"],
    )


def _places(facts: Row) -> tuple[int, ...]:
    places = facts["learned_places"]
    return tuple(places.get(device_id, -1) for device_id in facts["device_ids"] or ()) if places else ()


async def refresh_cards(connection: Connection, home_ids: Sequence[str]) -> int:
    """Make the cards of these homes anew, inside the caller's transaction; returns how many changed.

    The homes are locked first, so that of two changes at once the later one sees the earlier. Raises psycopg.errors.LockNotAvailable when
    somebody holds one for too long; nothing is changed then.
    """
    ids = sorted(set(home_ids))
    await fetch_all(connection, LOCK_HOMES, home_ids=ids)
    changed: list[tuple[str, int, bytes]] = []
    for facts in await fetch_all(connection, FACTS, home_ids=ids):
        version = facts["version"] or 0
        if version and encode(card_of(facts, version)) == bytes(facts["card"]):
            continue
        changed.append((facts["home_id"], version + 1, encode(card_of(facts, version + 1))))
    if changed:
        homes, versions, cards = (list(column) for column in zip(*changed, strict=True))
        await execute(connection, PUT_CARDS, home_ids=homes, versions=versions, cards=cards)
    return len(changed)


async def refresh_card(connection: Connection, home_id: str) -> bool:
    """Make one home's card anew, inside the caller's transaction; True where it changed."""
    return bool(await refresh_cards(connection, [home_id]))
