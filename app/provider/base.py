"""The base class of providers: a declaration of fields, and the calls that a provider can make.

Everything else (JSON names, HTML form, sealing, OpenAPI schema, masking, tests) is derived from the
declaration. The type of a field says whether it is secret; there is no second list of secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from app.core.outbound.client import Outbound
from app.provider import fields as provider_fields
from app.provider import messages, results
from app.provider.capabilities import Capability
from app.provider.fields import DeclarationError, Family, Field, Origin, Where
from app.provider.numbers import AnsweringService, ProviderNumber
from app.provider.results import Outcome, Refusal, Verified


class Provider:
    """Subclass this in one file of `app/providers/`, with a class attribute for each field.

    Its capabilities are methods named as in `Capability`; none is required:

    `verify`, see `Verifies`; `numbers`, see `Numbers`; `observe`, see `Observes`; `point`, see `Points`;
    `restore`, see `Restores`; `callback`, which comes with `set_callback`, see `CallsBack`;
    `dialer_token`, see `MakesDialerTokens`; `webhook_test`, see `CallsWebhooks`; `last_calls`, see
    `ReadsCalls`.
    `call_errors`: the meaning of each code of `CallError`; `call_error_page`: the address of the page about a
    code, which replaces `{}`.
    `hosts`: every host that it calls; metrics name only these.
    `numbers_of`: the key of the voice provider whose numbers this one lists, if it is not one itself.
    `configured_flag`: the name, in the voice AI configuration, of whether its required values are stored.
    `takers`: services that answer calls at their own URLs, one of which may be a number's webhook.
    `observes_by_listing`: `observe` reads the account's whole list, so that a check of several numbers reads
    it once instead.
    `console`: the page of its console that shows the webhooks of the account's numbers.
    `shared_note`: what setting the webhook of a number does to others that share its application.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    families: ClassVar[tuple[Family, ...]]
    hosts: ClassVar[tuple[str, ...]] = ()
    position: ClassVar[int] = 100
    summary: ClassVar[str] = ""
    webhook_steps: ClassVar[tuple[str, ...]] = ()
    console: ClassVar[Where | None] = None
    numbers_of: ClassVar[str] = ""
    configured_flag: ClassVar[str] = ""
    observes_by_listing: ClassVar[bool] = False
    shared_note: ClassVar[str] = ""
    takers: ClassVar[tuple[AnsweringService, ...]] = ()
    call_errors: ClassVar[Mapping[str, str]] = {}
    call_error_page: ClassVar[str] = ""
    fields: ClassVar[tuple[Field, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.fields = tuple(value for value in vars(cls).values() if isinstance(value, Field))
        _check_declaration(cls)

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def fields_in(self, family: Family) -> tuple[Field, ...]:
        """Returns the fields that the family's documents show, in the order of declaration."""
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
        return frozenset(capability for capability in Capability if callable(getattr(self, capability, None)))

    def completed(
        self,
        http: Outbound,
        values: Mapping[str, Any],
        number: ProviderNumber | None,
        *,
        phone_number: str,
        place: str | None = None,
    ) -> ProviderNumber | None:
        """Returns the number, with details that the list lacks if a provider overrides this."""
        return number

    def for_run(self) -> Self:
        """Returns the provider for one series of calls, during which it may cache what it reads."""
        return self

    def sip_hosts(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Returns the hosts at which agents accept calls from SIP trunks; empty if none is declared."""
        return ()

    def caller(self, http: Outbound, values: Mapping[str, Any]) -> Verified | None:
        """Returns whether the account has the default caller number; None if it cannot be looked up."""
        phone_number = values.get("phone_number")
        observe = getattr(self, Capability.OBSERVE, None)
        if not phone_number or observe is None:
            return None
        try:
            number = observe(http, values, phone_number)
        except Refusal:
            return results.not_proven(messages.CALLER_UNKNOWN)
        if number is None or number.owner:
            return results.foreign_caller(self.label, phone_number)
        return results.proven(messages.CALLER_IS_OWN)

    def missing_credentials(self, values: Mapping[str, Any]) -> Verified | None:
        """Returns the refusal that names the missing required values; None if none is missing."""
        names = [field.label for field in self.required if not values.get(field.name)]
        if not names:
            return None
        return results.refused(Outcome.NOT_CONFIGURED, messages.missing(names, self.label))

    def require_credentials(self, values: Mapping[str, Any]) -> None:
        """Raises Refusal if a required value is missing."""
        if missing := self.missing_credentials(values):
            raise Refusal(missing)


def _check_declaration(cls: type[Provider]) -> None:
    for name in ("key", "label", "families"):
        if not getattr(cls, name, None):
            raise DeclarationError(f"{cls.__module__}: {cls.__name__} declares no {name}.")
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", cls.key):
        raise DeclarationError(f"{cls.__module__}: the key {cls.key!r} must be lower case, such as 'acme'.")
    for name, declared in vars(cls).items():
        if isinstance(declared, Field):
            for problem in _problems(cls, name, declared):
                raise DeclarationError(f"{cls.__module__}: {name} {problem}.")


def _problems(cls: type[Provider], name: str, declared: Field) -> Iterator[str]:
    if hasattr(Provider, name) or name in Provider.__annotations__ or name in list(Capability):
        yield "is a name that every provider has for something else"
    if declared.name != name:
        yield f"is the same field as {declared.name}"
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > provider_fields.LONGEST_NAME:
        yield f"must be lower case, such as auth_token, in at most {provider_fields.LONGEST_NAME} characters"
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
