"""The fields of a provider's declaration. A field's type says whether it is secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from app.core import phone, texts


class Family(StrEnum):
    """What a provider is for."""

    VOICE = "voice"
    TELEPHONY = "telephony"
    VOICE_AI = "voice_ai"


class Origin(StrEnum):
    """Where a value comes from: only `TYPED` ones can be sent or filled in."""

    TYPED = "typed"
    GENERATED = "generated"
    PROVIDER = "provider"


class DeclarationError(Exception):
    """A provider's file cannot be used; the message names it and says why."""


LONGEST_NAME = 64

_MASK = re.compile(r"[•●∙·…]|\*{3,}|\.{3}")


def _plain_text(value: str, longest: int) -> str:
    if not value:
        raise ValueError("This is empty. Leave it out to keep what is stored, or send null to clear it.")
    if len(value) > longest:
        raise ValueError(f"This is longer than {longest} characters.")
    if texts.CONTROL.search(value):
        raise ValueError("This has line breaks or control characters in it.")
    return value


@dataclass(frozen=True)
class Field:
    """One value of a connection.

    `required`: needed for the provider to count as configured. `families`: where it appears; empty
    means in all of its provider's. `default`: what is in force while nothing is stored. `is_listed`: every
    user may read it, in the voice AI configuration; `flag`: its name there, of whether it is stored.
    """

    label: str
    help: str = field(default="", kw_only=True)
    group: str = field(default="Account", kw_only=True)
    required: bool = field(default=False, kw_only=True)
    families: tuple[Family, ...] = field(default=(), kw_only=True)
    origin: Origin = field(default=Origin.TYPED, kw_only=True)
    default: int | str | None = field(default=None, kw_only=True)
    is_listed: bool = field(default=False, kw_only=True)
    flag: str = field(default="", kw_only=True)
    name: str = field(default="", init=False)

    python_type: ClassVar[type] = str
    secret: ClassVar[bool] = False

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    def check(self, value: Any, country: str | None) -> Any:
        """The value as it is stored; ValueError with a sentence that says what would be right."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """What OpenAPI says of the value, beside its type."""
        return {"title": self.label} | ({"description": self.help} if self.help else {})


@dataclass(frozen=True)
class Text(Field):
    """A value that may be shown. `pattern` is matched whole; `example` says what would be right."""

    pattern: str = field(default="", kw_only=True)
    example: str = field(default="", kw_only=True)

    longest: ClassVar[int] = 200

    def check(self, value: str, country: str | None) -> str:
        value = _plain_text(value, self.longest)
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise ValueError(f"{self.label} does not look right. {self.example}".strip())
        return value

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"minLength": 1, "maxLength": self.longest}


@dataclass(frozen=True)
class Secret(Field):
    """A value that is sealed at rest and never rendered back into a page."""

    secret: ClassVar[bool] = True
    longest: ClassVar[int] = 500

    def check(self, value: str, country: str | None) -> str:
        if not value:
            raise ValueError(
                "A secret cannot be empty. Leave it out to keep the stored one, or send null to clear it."
            )
        value = _plain_text(value, self.longest)
        if _MASK.search(value):
            raise ValueError(f"This is a mask, not the {self.label}. Send the value itself, or leave it out.")
        if not value.isprintable() or " " in value:
            raise ValueError(f"The {self.label} has spaces or invisible characters in it. Copy it again.")
        return value

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"minLength": 1, "maxLength": self.longest, "format": "password"}


@dataclass(frozen=True)
class PhoneNumber(Field):
    """A number in E.164, read with the organization's country where it is written without `+`."""

    def check(self, value: str, country: str | None) -> str:
        return phone.normalize(_plain_text(value, 40), country)

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"examples": ["+15551234567"]}


@dataclass(frozen=True)
class Count(Field):
    """A whole number from `least` to `most`."""

    least: int = field(default=1, kw_only=True)
    most: int = field(default=1000, kw_only=True)

    python_type: ClassVar[type] = int

    def check(self, value: int, country: str | None) -> int:
        if not self.least <= value <= self.most:
            raise ValueError(f"Use a whole number from {self.least} to {self.most}.")
        return value

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class ServiceHost(Field):
    """The https address of one of the provider's own hosts.

    Secrets are typed for a host: when it changes, they have to be typed again. The first host is in
    force while nothing is stored.
    """

    hosts: tuple[str, ...] = field(kw_only=True)

    def check(self, value: str, country: str | None) -> str:
        value = _plain_text(value, 200).rstrip("/")
        host = value.lower().removeprefix("https://")
        if host not in self.hosts:
            choices = " or ".join(f"https://{host}" for host in self.hosts)
            raise ValueError(f"{self.label} must be {choices}.")
        return f"https://{host}"

    def in_force(self, stored: str | None) -> str:
        return stored or f"https://{self.hosts[0]}"
