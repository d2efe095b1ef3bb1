"""Out of service: planned windows with an end and a substitute."""

from datetime import datetime

from pydantic import Field

from api.models.shape import Asked, Said


class NewWindow(Asked):
    """A device, a home, or an area (a town or a community) whose alarms do not ring for a while."""

    home_id: str | None = Field(default=None, max_length=40, pattern=r"^[a-z0-9-]+$")
    device_id: str | None = Field(default=None, max_length=40, pattern=r"^[a-z0-9-]+$", description="Only this one of the home")  # fmt: skip
    area: str | None = Field(default=None, pattern=r"^([0-9]{9}|[0-9]{12})$", description="In place of a home")
    technical_only: bool = Field(
        default=False, description="True: only what devices say of themselves is silent, people's alarms ring"
    )
    reason: str = Field(min_length=4, max_length=200, examples=["更换网关"])
    substitute: str = Field(
        default="", max_length=200, description="Who looks after the people meanwhile; required unless technical_only", examples=["社工每 2 小时电话"]
    )  # fmt: skip
    from_at: datetime | None = Field(default=None, description="None: now")
    hours: float = Field(gt=0, le=8, description="It ends by itself after so long, and its end alarms")


class ServiceWindow(Said):
    """A window: to come, in force, or over."""

    window_id: int
    area_code: str
    home_id: str | None
    device_id: str | None
    technical_only: bool
    reason: str
    substitute: str
    from_at: datetime
    until_at: datetime
    planned_by: str
    planned_at: datetime
    ended_at: datetime | None = Field(description="Back in service before its time")
    ended_by: str | None
    state: str = Field(description="planned, in_force or over", examples=["in_force"])


class ServiceWindows(Said):
    """Windows, newest first."""

    windows: list[ServiceWindow]
    next_before: int | None = Field(default=None, description="Give this as ``before`` for the next page")
    now: datetime
