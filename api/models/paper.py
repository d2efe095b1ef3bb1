"""What is printed for the day the system is down. Each sheet says when it was made and by whom."""

from datetime import datetime

from pydantic import Field

from api.models.cases import Contact
from api.models.shape import Said


class PaperPerson(Said):
    """Who lives there."""

    resident_id: str
    name: str
    birth_year: int | None = None
    phone: str
    note: str
    conditions: str | None = None
    mobility: str | None = None
    dialect: str | None = None
    oxygen: bool | None = None


class PaperHome(Said):
    """A home, who lives there, and whom to ring up in order."""

    home_id: str
    area_code: str
    address: str
    care_level: int
    note: str = Field(description="As the centre wrote it")
    key_at: str | None = None
    pets: str | None = None
    residents: list[PaperPerson]
    contacts: list[Contact]


class PaperCase(Said):
    """An open case with all that somebody needs who has nothing but the sheet. Without an address: the home is not registered."""

    case_id: str
    home_id: str
    area_code: str
    family: str
    priority: int
    handling: str
    raised_at: datetime
    deadline_at: datetime | None = None
    desk_id: str | None = None
    address: str | None = None
    care_level: int | None = None
    note: str | None = None
    key_at: str | None = None
    pets: str | None = None
    residents: list[PaperPerson]
    contacts: list[Contact]
    calls: list[str] = Field(description="Numbers that rang about it")


class PaperCases(Said):
    """Open cases in the order of the queue."""

    area: str
    made_at: datetime
    made_by: str
    cases: list[PaperCase]
    more: bool = Field(description="There are others behind these: ask again with ``offset``")


class PaperHomes(Said):
    """Homes in which somebody lives, in the order of their ids."""

    area: str
    made_at: datetime
    made_by: str
    homes: list[PaperHome]
    next_after: str | None = Field(default=None, description="Give this as ``after`` for the next page")
