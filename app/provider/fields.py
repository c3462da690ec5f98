"""The fields of a provider's declaration. A field's type says whether it is secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from app.core import phone, texts, urls
from app.provider import messages


class Family(StrEnum):
    """The purposes of a provider."""

    VOICE = "voice"
    TELEPHONY = "telephony"
    VOICE_AI = "voice_ai"


class Origin(StrEnum):
    """The source of a value: only `TYPED` ones can be submitted."""

    TYPED = "typed"
    GENERATED = "generated"
    PROVIDER = "provider"


class DeclarationError(Exception):
    """A provider's declaration is invalid; the message names the module and the reason."""


LONGEST_NAME = 64

_MASK = re.compile(r"[•●∙·…]|\*{3,}|\.{3}")
_UNMASKED = r"^(?!.*(\*{3}|\.{3}))[!-~]+$"
"""Printable ASCII without spaces that is not a mask, as the secrets of all providers are."""


def _plain_text(value: str, longest: int) -> str:
    if not value:
        raise ValueError(messages.EMPTY)
    if len(value) > longest:
        raise ValueError(messages.too_long(longest))
    if texts.CONTROL.search(value):
        raise ValueError(messages.CONTROL_CHARACTERS)
    return value


@dataclass(frozen=True)
class Where:
    """Where to find a value: the way through the provider's console, and the address of that page."""

    text: str
    address: str


@dataclass(frozen=True)
class Field:
    """One value of a connection.

    `required`: without it the provider is not configured. `families`: those that have the field; empty
    means all of its provider's. `default`: the value while none is stored. `is_listed`: every
    user may read it, in the voice AI configuration; `flag`: the name there of the flag that it is stored.
    `is_extra`: the original API's documents lack it, so it follows their values, and only if it is stored.
    """

    label: str
    help: str = field(default="", kw_only=True)
    where: Where | None = field(default=None, kw_only=True)
    group: str = field(default="Account", kw_only=True)
    required: bool = field(default=False, kw_only=True)
    families: tuple[Family, ...] = field(default=(), kw_only=True)
    origin: Origin = field(default=Origin.TYPED, kw_only=True)
    default: int | str | None = field(default=None, kw_only=True)
    is_listed: bool = field(default=False, kw_only=True)
    flag: str = field(default="", kw_only=True)
    is_extra: bool = field(default=False, kw_only=True)
    name: str = field(default="", init=False)

    python_type: ClassVar[type] = str
    secret: ClassVar[bool] = False

    @property
    def is_tested(self) -> bool:
        """Whether the value is sent to the provider, so that a connection test depends on it."""
        return self.origin is Origin.TYPED

    @property
    def is_credential(self) -> bool:
        """Whether another value means another account, or another way to sign in to it."""
        return self.is_tested and (self.secret or self.required)

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    def check(self, value: Any, country: str | None) -> Any:
        """Returns the value as it is stored. Raises ValueError with a sentence that says what is valid."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """Returns the field's title and description, for OpenAPI."""
        text = f"{self.where.text}. {self.help}".strip() if self.where else self.help
        return {"title": self.label} | ({"description": text} if text else {})

    def constraints(self) -> dict[str, Any]:
        """Returns what `check` accepts, as keywords of JSON Schema, for OpenAPI."""
        return {}


@dataclass(frozen=True)
class Text(Field):
    """A value that may be shown. `pattern` is matched whole; `example` says what would be right."""

    pattern: str = field(default="", kw_only=True)
    example: str = field(default="", kw_only=True)

    longest: ClassVar[int] = 200

    def check(self, value: str, country: str | None) -> str:
        value = _plain_text(value, self.longest)
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise ValueError(messages.invalid(self.label, self.example))
        return value

    def constraints(self) -> dict[str, Any]:
        pattern = f"^({self.pattern})$" if self.pattern else texts.FILLED_LINE
        return {"minLength": 1, "maxLength": self.longest, "pattern": pattern}


@dataclass(frozen=True)
class Secret(Field):
    """A value that is sealed at rest and never rendered back into a page."""

    secret: ClassVar[bool] = True
    longest: ClassVar[int] = 500

    def check(self, value: str, country: str | None) -> str:
        if not value:
            raise ValueError(messages.EMPTY_SECRET)
        value = _plain_text(value, self.longest)
        if _MASK.search(value):
            raise ValueError(messages.is_mask(self.label))
        if not value.isprintable() or " " in value:
            raise ValueError(messages.invisible_characters(self.label))
        return value

    def constraints(self) -> dict[str, Any]:
        return {"minLength": 1, "maxLength": self.longest, "format": "password", "pattern": _UNMASKED}


@dataclass(frozen=True)
class PhoneNumber(Field):
    """A number in E.164; without `+` it is read with the organization's country."""

    def check(self, value: str, country: str | None) -> str:
        return phone.normalize(_plain_text(value, 40), country)

    def constraints(self) -> dict[str, Any]:
        return {"format": phone.FORMAT}


@dataclass(frozen=True)
class Count(Field):
    """A whole number from `least` to `most`."""

    least: int = field(default=1, kw_only=True)
    most: int = field(default=1000, kw_only=True)

    python_type: ClassVar[type] = int
    is_tested = False

    def check(self, value: int, country: str | None) -> int:
        if not self.least <= value <= self.most:
            raise ValueError(messages.whole_number(self.least, self.most))
        return value

    def constraints(self) -> dict[str, Any]:
        return {"minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class WebAddress(Field):
    """The https URL of something that the provider calls."""

    is_tested = False

    def check(self, value: str, country: str | None) -> str:
        return urls.callback_url(_plain_text(value, urls.LONGEST_CALLBACK))

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"minLength": 1, "maxLength": urls.LONGEST_CALLBACK, "format": "uri"}


@dataclass(frozen=True)
class ServiceHost(Field):
    """The https URL of one of the provider's own hosts, or a name for it; the first is the default.

    Secrets belong to a host: they must be re-entered when it changes. `names`: a name for each host, in the
    same order, such as its region, with a label; the value is a name then.
    """

    hosts: tuple[str, ...] = field(kw_only=True)
    names: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)

    @property
    def labels(self) -> Mapping[str, str]:
        """The label of each value, the default first."""
        return dict(self.names) or {f"https://{host}": host for host in self.hosts}

    @property
    def choices(self) -> tuple[str, ...]:
        """The values, the default first."""
        return tuple(self.labels)

    is_credential = True

    def check(self, value: str, country: str | None) -> str:
        value = _plain_text(value, 200).rstrip("/").lower()
        address = value if self.names or value.startswith("https://") else f"https://{value}"
        if address not in self.choices:
            raise ValueError(messages.must_be(self.label, " or ".join(self.choices)))
        return address

    def constraints(self) -> dict[str, Any]:
        return {"enum": list(self.choices)}

    def in_force(self, stored: str | None) -> str:
        return stored or self.choices[0]
