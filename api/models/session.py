"""Log-in, and who is logged in."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.models.shape import Asked, Said

Role = Literal["operator", "supervisor", "family", "admin", "helper", "platform"]
Language = Literal["zh", "en"]


class LogIn(Asked):
    """A user's name and password."""

    user_name: str = Field(min_length=1, max_length=80, examples=["desk-1"])
    password: str = Field(min_length=1, max_length=400, examples=["correct horse battery staple"])


class Person(Said):
    """The user who is logged in."""

    user_name: str = Field(examples=["desk-1"])
    display_name: str = Field(examples=["一号席"])
    role: Role = Field(examples=["operator"])
    language: Language = "zh"
    area_prefix: str = Field(
        description="Only homes whose area code begins so are shown; empty: all", examples=["330282"]
    )


class Session(Said):
    """A short-lived access token for the header ``Authorization: Bearer …``. The refresh token is in an http-only cookie."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_at: datetime = Field(description="End of the access token; refresh before")
    session_ends_at: datetime = Field(description="End of the session; then a new log-in")
    now: datetime = Field(description="The server's clock")
    user: Person


class LanguageChoice(Asked):
    """The language a user reads."""

    language: Language
