"""The register: homes with their residents, contacts and devices, one at a time, for administrators. Tables of many come in by ``/homes/import``.

Reading one is a view of its residents' records and stands in the audit, as everywhere.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.access import Admin, Who, roles
from api.context import Now, Parts
from api.errors import BadRequest, NotFound
from api.models import homes as models
from api.models.cases import Contact as ContactRow
from api.models.cases import HomeRecord, ResidentRecord
from api.models.shape import Done
from api.problems import documented
from api.routes.admin import mine
from api.routes.cases import write_list, write_view
from storage import people
from storage.database import Connection
from storage.queries import Row, fetch_all, fetch_one, query
from storage.records import Contact, Home, Resident

router = APIRouter(prefix="/api/v1", tags=["administration"])

_LIST = query("api_homes")
_FOUND = query("api_homes_found")
_HOME = query("api_registered_home")
_RESIDENTS = query("api_residents_of_home")
_CONTACTS = query("api_contacts_of_home")
_DEVICES = query("api_registered_devices")
_DROP_CONTACT = query("drop_contact")

_READS = documented(401, 403, 404, 422, 503)
HomeId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
ResidentId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
DeviceId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]


@router.get("/homes", responses=documented(401, 403, 422, 503), summary="Homes", openapi_extra=roles("admin"))
async def list_homes(
    parts: Parts,
    now: Now,
    user: Admin,
    q: Annotated[
        str, Query(max_length=80, description="Beginning of a home's id, or what a resident is looked for by")
    ] = "",
    after: Annotated[str, Query(max_length=40, description="``next_after`` of the page before; without ``q``")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> models.HomePage:
    """Homes of one's area in order of their ids. With words the first that have them, and whether there are more."""
    words = q.strip().lower()
    async with parts.database.transaction() as connection:
        if words:
            found = await fetch_all(connection, _FOUND, words=words, area_prefix=user.area_prefix, most=limit + 1)
        else:
            found = await fetch_all(connection, _LIST, after=after, area_prefix=user.area_prefix, most=limit + 1)
        page = found[:limit]
        await write_list(connection, user, now, words, [each for row in page for each in row.pop("resident_ids")])
        for row in found[limit:]:
            row.pop("resident_ids")
    more = len(found) > limit
    return models.HomePage(
        homes=[models.HomeRow(**row) for row in page],
        next_after=page[-1]["home_id"] if more and not words else None,
        more=more,
        now=now,
    )


@router.get("/homes/{home_id}", responses=_READS, summary="One home", openapi_extra=roles("admin"))
async def read_home(home_id: HomeId, parts: Parts, now: Now, user: Admin) -> models.HomeFile:
    """All that is registered of it. That it was read is written into the audit."""
    async with parts.database.transaction() as connection:
        home = await _home(connection, user, home_id)
        residents = await fetch_all(connection, _RESIDENTS, home_id=home_id)
        contacts = await fetch_all(connection, _CONTACTS, home_id=home_id)
        devices = await fetch_all(connection, _DEVICES, home_id=home_id)
        await write_view(
            connection, user, now, home["area_code"], case_id=None, home_id=home_id,
            residents=[each["resident_id"] for each in residents], what="register",
        )  # fmt: skip
    return models.HomeFile(
        home=HomeRecord(**home),
        residents=[ResidentRecord(**each) for each in residents],
        contacts=[ContactRow(**each) for each in contacts],
        devices=[models.DeviceRow(**each) for each in devices],
    )


@router.put(
    "/homes/{home_id}",
    responses=documented(401, 403, 422, 503),
    summary="Register a home, or set it right",
    openapi_extra=roles("admin"),
)
async def put_home(home_id: HomeId, body: models.PutHome, parts: Parts, user: Admin) -> Done:
    """Its record as a whole. A home that was removed comes back. Raises BadRequest for an area that is not one's own."""
    if not body.area_code.startswith(user.area_prefix):
        raise BadRequest(detail=f"body.area_code: write an area within {user.area_prefix}, which is yours")
    async with parts.database.transaction() as connection:
        with mine(user):
            await people.register(
                connection, [Home(home_id=home_id, **body.model_dump())], actor=user.user_name, reason="page"
            )
    return Done()


@router.post(
    "/homes/{home_id}/remove", responses=_READS, summary="Watch a home no longer", openapi_extra=roles("admin")
)
async def remove_home(home_id: HomeId, body: models.Removal, parts: Parts, user: Admin) -> Done:
    """Nothing that its devices say becomes an alarm any more; its past stays. What must be erased is erased at the site (``./shouwang erase``)."""
    async with parts.database.transaction() as connection:
        await _home(connection, user, home_id)
        await people.remove_home(connection, home_id, actor=user.user_name, reason=body.reason)
    return Done()


@router.put(
    "/homes/{home_id}/residents/{resident_id}",
    responses=_READS,
    summary="Register a resident, or set one right",
    openapi_extra=roles("admin"),
)
async def put_resident(
    home_id: HomeId, resident_id: ResidentId, body: models.PutResident, parts: Parts, user: Admin
) -> Done:
    """The record as a whole. One who lived in another home of one's area moves here."""
    async with parts.database.transaction() as connection:
        await _home(connection, user, home_id)
        with mine(user):
            record = Resident(resident_id=resident_id, home_id=home_id, **body.model_dump())
            await people.register(connection, [record], actor=user.user_name, reason="page")
    return Done()


@router.put("/homes/{home_id}/contacts", responses=_READS, summary="Somebody to call", openapi_extra=roles("admin"))
async def put_contact(home_id: HomeId, body: models.PutContact, parts: Parts, user: Admin) -> Done:
    """Added, or another rank and relation for the same name and number."""
    async with parts.database.transaction() as connection:
        await _home(connection, user, home_id)
        await people.register(
            connection, [Contact(home_id=home_id, **body.model_dump())], actor=user.user_name, reason="page"
        )
    return Done()


@router.delete(
    "/homes/{home_id}/contacts/{contact_id}",
    responses=_READS,
    summary="Somebody not to call any more",
    openapi_extra=roles("admin"),
)
async def drop_contact(home_id: HomeId, contact_id: int, parts: Parts, user: Admin) -> Done:
    """Calls that were made to them stay in the histories."""
    async with parts.database.transaction() as connection:
        await _home(connection, user, home_id)
        if await fetch_one(connection, _DROP_CONTACT, home_id=home_id, contact_id=contact_id) is None:
            raise NotFound(what="contact", name=str(contact_id))
        await people.write_change(connection, home_id, "contact removed", actor=user.user_name, reason=str(contact_id))
    return Done()


@router.delete(
    "/homes/{home_id}/devices/{device_id}",
    responses=_READS,
    summary="A device that is the home's no more",
    openapi_extra=roles("admin"),
)
async def unbind_device(home_id: HomeId, device_id: DeviceId, parts: Parts, user: Admin) -> Done:
    """What it still sends is kept, and listed as of a device that nobody registered."""
    async with parts.database.transaction() as connection:
        await _home(connection, user, home_id)
        if not await people.unbind_device(connection, home_id, device_id, actor=user.user_name):
            raise NotFound(what="device", name=device_id)
    return Done()


async def _home(connection: Connection, user: Who, home_id: str) -> Row:
    """The record. Raises NotFound where there is none that the administrator may see."""
    home = await fetch_one(connection, _HOME, home_id=home_id)
    if home is None or not user.sees_area(home["area_code"]):
        raise NotFound(what="home", name=home_id)
    return home
