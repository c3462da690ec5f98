"""What a provider is: a frozen declaration of its fields, and the few calls it can make.

Everything else (JSON names, HTML form, sealing, OpenAPI schema, masking, tests) is derived from the
declaration. Secrecy is carried by the type of a field, so that no list can disagree with another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from app.core import answers, phone, texts
from app.core.lines import Callback, Line
from app.core.outbound.answer import Answer, OutboundError
from app.core.outbound.client import Outbound


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


class Capability(StrEnum):
    """What a provider may know how to do: each is a method of that name on its class."""

    VERIFY = "verify"
    NUMBERS = "numbers"
    POINT = "point"
    OBSERVE = "observe"
    CALLBACK = "callback"


class Outcome(StrEnum):
    """All codes that a test of a connection's values can end with."""

    OK = "ok"
    NOT_PROVEN = "not_proven"
    NOT_CONFIGURED = "not_configured"
    BAD_CREDENTIALS = "bad_credentials"
    WRONG_ACCOUNT = "wrong_account"
    SUSPENDED = "suspended"
    NO_PERMISSION = "no_permission"
    NOT_FOUND = "not_found"
    TRUNK_DOMAIN_DIFFERS = "trunk_domain_differs"
    RATE_LIMITED = "rate_limited"
    UNEXPECTED_ANSWER = "unexpected_answer"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Verified:
    """What a test of the values showed.

    `code` is for programs, one of `Outcome`; `reason` is a sentence or two for people: what is wrong,
    and where in the provider's console to look. No reason repeats a secret or what the provider wrote.
    `NOT_PROVEN` is ok: nothing is known to be wrong, and the reason says what could not be tested.
    """

    ok: bool
    code: str
    reason: str


class Verifies(Protocol):
    """A provider that can test the values of a connection."""

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """`values`: stored or just typed, by field name, secrets in the clear; None or missing where unset.

        Makes the cheapest calls that prove them, and changes nothing. OutboundError passes through it.
        """
        ...


class Refusal(Exception):
    """The provider refused, or answered in a way that cannot be used. `result` says why, for people."""

    def __init__(self, result: Verified) -> None:
        super().__init__(result.reason)
        self.result = result


class Numbers(Protocol):
    """A provider that can list the numbers of its account."""

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[Line]:
        """Every number that `observe` has too, page by page, in E.164. Paging stays on our host.

        Raises Refusal; OutboundError passes through.
        """
        ...


class Observes(Protocol):
    """A provider that can tell what one number calls."""

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> Line | None:
        """The number as the account has it; None where it has it not. Raises as `numbers`."""
        ...


class Points(Protocol):
    """A provider that can make a number call a URL of ours."""

    def point(self, http: Outbound, values: Mapping[str, Any], line: Line, url: str) -> None:
        """Makes the number of `line` call `url` with POST, taking away what is in the way.

        `line` is what `observe` told just before. Every write is sent once. Raises as `numbers`.
        """
        ...


class CallsBack(Protocol):
    """A provider whose callback address is its application's, the same for all numbers that it has."""

    def callback(self, http: Outbound, values: Mapping[str, Any]) -> Callback:
        """What the application of the values calls. Raises as `numbers`."""
        ...

    def set_callback(self, http: Outbound, values: Mapping[str, Any], url: str) -> None:
        """Makes the application call `url`, and keeps what it calls where that fails.

        The write is sent once. Raises as `numbers`.
        """
        ...


class DeclarationError(Exception):
    """A provider's file cannot be used; the message names it and says why."""


LONGEST_NAME = 64
MOST_PAGES = 200
"""Of a provider's list, before it counts as one without an end."""

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
    means in all of its provider's. `default`: what is in force while nothing is stored.
    """

    label: str
    help: str = field(default="", kw_only=True)
    group: str = field(default="Account", kw_only=True)
    required: bool = field(default=False, kw_only=True)
    families: tuple[Family, ...] = field(default=(), kw_only=True)
    origin: Origin = field(default=Origin.TYPED, kw_only=True)
    default: int | str | None = field(default=None, kw_only=True)
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


class Provider:
    """Subclass this in one file of `app/providers/`, with a class attribute for each field.

    What it can do are methods named as in `Capability`, none of them required:

    `verify`, see `Verifies`; `numbers`, see `Numbers`; `observe`, see `Observes`; `point`, see `Points`;
    `callback`, which comes with `set_callback`, see `CallsBack`.
    `numbers_of`: the key of the voice provider whose numbers this one lists, where it is not one itself.
    `shared_note` says what pointing one of several numbers that share an application does to the others.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    families: ClassVar[tuple[Family, ...]]
    position: ClassVar[int] = 100
    summary: ClassVar[str] = ""
    webhook_steps: ClassVar[tuple[str, ...]] = ()
    numbers_of: ClassVar[str] = ""
    shared_note: ClassVar[str] = ""
    fields: ClassVar[tuple[Field, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.fields = tuple(value for value in vars(cls).values() if isinstance(value, Field))
        _check_declaration(cls)

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def fields_in(self, family: Family) -> tuple[Field, ...]:
        """The fields that the family's documents show, in the order of declaration."""
        return tuple(field for field in self.fields if not field.families or family in field.families)

    @property
    def typed_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.origin is Origin.TYPED)

    @property
    def secrets(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.secret)

    @property
    def required(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.required)

    @property
    def groups(self) -> Mapping[str, tuple[Field, ...]]:
        """The typed fields under the headings of their form."""
        names = dict.fromkeys(field.group for field in self.typed_fields)
        return {name: tuple(f for f in self.typed_fields if f.group == name) for name in names}

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset(known for known in Capability if callable(getattr(self, known, None)))

    def lacking(self, values: Mapping[str, Any]) -> Verified | None:
        """The refusal to ask with values that are not all there; None where they are."""
        names = [field.label for field in self.required if not values.get(field.name)]
        if not names:
            return None
        sentence = f"{self.label} cannot be asked yet. Fill in first: {', '.join(names)}."
        return refused(Outcome.NOT_CONFIGURED, sentence)

    def refuse_lacking(self, values: Mapping[str, Any]) -> None:
        """Raises the refusal that `lacking` has."""
        if lacking := self.lacking(values):
            raise Refusal(lacking)


def proven(reason: str) -> Verified:
    return Verified(True, Outcome.OK, reason)


def not_proven(reason: str) -> Verified:
    return Verified(True, Outcome.NOT_PROVEN, reason)


def refused(code: Outcome, reason: str) -> Verified:
    return Verified(False, code, reason)


def content(answer: Answer) -> Mapping[str, Any]:
    """The object that the provider answered; empty for anything else, such as a page of HTML."""
    try:
        found = answer.json()
    except OutboundError:
        return {}
    return found if isinstance(found, dict) else {}


def listed(answer: Answer, name: str) -> list[Mapping[str, Any]]:
    """The objects of the answer's list of that name; Refusal where it has no such list."""
    found = content(answer).get(name)
    if answer.status != 200 or not isinstance(found, list):
        raise Refusal(unexpected(answer))
    return [row for row in found if isinstance(row, dict)]


def endless(label: str) -> Refusal:
    """For a list whose pages repeat, or are more than anybody has."""
    sentence = f"{label}'s list does not come to an end: its pages repeat, or are too many."
    return Refusal(refused(Outcome.UNEXPECTED_ANSWER, sentence))


def unexpected(answer: Answer) -> Verified:
    """For an answer that says nothing about the values."""
    if answer.status == 429:
        return refused(
            Outcome.RATE_LIMITED,
            f"{answer.host} answers no more requests for now (status 429). "
            f"Try again {answers.when(answer) or 'in a minute'}.",
        )
    if answer.status >= 500:
        sentence = f"{answer.host} has trouble of its own (status {answer.status}). "
        return refused(Outcome.UNEXPECTED_ANSWER, f"{sentence}Try again {answers.when(answer) or 'later'}.")
    sentence = f"{answer.host} answered with {answers.described(answer)} (status {answer.status})."
    return refused(Outcome.UNEXPECTED_ANSWER, f"{sentence} If this lasts, look at its status page.")


def _check_declaration(cls: type[Provider]) -> None:
    for name in ("key", "label", "families"):
        if not getattr(cls, name, None):
            raise DeclarationError(f"{cls.__module__}: {cls.__name__} declares no {name}.")
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", cls.key):
        raise DeclarationError(f"{cls.__module__}: the key {cls.key!r} must be lower case, such as 'twilio'.")
    for name, declared in vars(cls).items():
        if isinstance(declared, Field):
            for problem in _wrong_with(cls, name, declared):
                raise DeclarationError(f"{cls.__module__}: {name} {problem}.")


def _wrong_with(cls: type[Provider], name: str, declared: Field) -> Iterator[str]:
    if hasattr(Provider, name) or name in Provider.__annotations__ or name in list(Capability):
        yield "is a name that every provider has for something else"
    if declared.name != name:
        yield f"is the same field as {declared.name}"
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > LONGEST_NAME:
        yield f"must be lower case, such as auth_token, in at most {LONGEST_NAME} characters"
    if declared.secret and declared.default is not None:
        yield "is a secret and cannot have a default"
    if not set(declared.families) <= set(cls.families):
        yield "names a family that is not its provider's"
    if declared.default is not None and not _accepts(declared, declared.default):
        yield "has a default that it would not accept"


def _accepts(declared: Field, value: Any) -> bool:
    try:
        return type(value) is declared.python_type and declared.check(value, None) == value
    except ValueError:
        return False
