from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from app.provider import (
    Capability,
    Count,
    DeclarationError,
    Family,
    Origin,
    PhoneNumber,
    Provider,
    Secret,
    ServiceHost,
    Text,
    messages,
)


def declare(**attributes):
    base = {"key": "acme", "label": "Acme", "families": (Family.TELEPHONY,)}
    made = {name: value for name, value in (base | attributes).items() if value is not None}
    return type("Acme", (Provider,), made)


def test_provider_lists_its_frozen_fields_and_capabilities_in_order():
    acme = declare(
        account=Text("Account", required=True),
        token=Secret("Token", required=True),
        made=Secret("Made", origin=Origin.GENERATED),
        calls=Count("Calls", default=3, group="Calls"),
    )()
    assert [field.name for field in acme.fields] == ["account", "token", "made", "calls"]
    assert [field.name for field in acme.typed_fields] == ["account", "token", "calls"]
    assert [field.name for field in acme.secrets] == ["token", "made"]
    assert [field.name for field in acme.required] == ["account", "token"]
    assert {name: [f.name for f in fields] for name, fields in acme.groups.items()} == {
        "Account": ["account", "token"],
        "Calls": ["calls"],
    }
    assert acme.field("token").secret

    acme = declare(
        families=(Family.VOICE, Family.TELEPHONY),
        account=Text("Account"),
        app=Text("App", families=(Family.VOICE,)),
    )()
    assert [field.name for field in acme.fields_in(Family.VOICE)] == ["account", "app"]
    assert [field.name for field in acme.fields_in(Family.TELEPHONY)] == ["account"]

    assert declare()().capabilities == frozenset()
    able = declare(verify=lambda self: None, observe=lambda self: None)()
    assert able.capabilities == {Capability.VERIFY, Capability.OBSERVE}

    field = Text("Account")
    with pytest.raises(FrozenInstanceError):
        field.label = "Another"  # type: ignore[misc]


SHARED = Text("Shared")

BROKEN: dict[str, dict[str, Any]] = {
    "no key": {"key": None},
    "no label": {"label": None},
    "no families": {"families": ()},
    "key in capitals": {"key": "Acme"},
    "key with a dash": {"key": "ac-me"},
    "key of one letter": {"key": "a"},
    "key too long": {"key": "a" * 32},
    "secret with a default": {"token": Secret("Token", default="x")},
    "another family": {"app": Text("App", families=(Family.VOICE,))},
    "default too large": {"calls": Count("Calls", default=5, most=4)},
    "default of another type": {"calls": Count("Calls", default="5")},
    "default that is true": {"calls": Count("Calls", default=True)},
    "default against the pattern": {"account": Text("Account", pattern="A+", default="B")},
    "default of no host": {"base": ServiceHost("Base", hosts=("a.example",), default="b.example")},
    "name of a property": {"secrets": Text("Secrets")},
    "name of a method": {"field": Text("Field")},
    "name of a capability": {"verify": Text("Verify")},
    "label as a field": {"label": Text("Label")},
    "name in capitals": {"Token": Secret("Token")},
    "private name": {"_token": Secret("Token")},
    "name with two underscores": {"a__b": Secret("Token")},
    "name too long": {"a" * 65: Secret("Token")},
    "one field twice": {"first": SHARED, "second": SHARED},
}


def test_provider_broken_declaration_is_refused(subtests):
    for attributes in BROKEN.values():
        refused = pytest.raises(DeclarationError, match=r"\.$")
        with subtests.test(attributes=attributes), refused:
            declare(**attributes)


def test_check_refuses_what_its_field_cannot_have(subtests):
    for field in [Text("A"), Secret("A"), PhoneNumber("A")]:
        for value in ["", "\0", "a\nb", "a\rb", "a\tb", "a\x7fb", "a\x85b", "a\u2028b", "x" * 501]:
            with subtests.test(field=field, value=value):
                with pytest.raises(ValueError, match=r"^[A-Z].*\.$") as refused:
                    field.check(value, "US")
                assert not value or value not in str(refused.value)

    field = Text("SID", pattern="AC[0-9]{2}", example="It is AC and two digits.")
    assert field.check("AC12", None) == "AC12"
    for value in ("AC123", "xAC12", "ac12", "AC12\n", "AC\u0661\u0662"):
        with pytest.raises(ValueError, match=r"^(Invalid SID\. It is AC|This has line)"):
            field.check(value, None)

    for value in MASKS:
        with subtests.test(value=value), pytest.raises(ValueError, match=messages.is_mask("Token")):
            Secret("Token").check(value, None)

    for value in ["a b", "a\u00a0b", "a\u200bb", "\ufeffabc", "a\u202eb", "\ud800"]:
        with (
            subtests.test(value=value),
            pytest.raises(ValueError, match=messages.invisible_characters("Token")),
        ):
            Secret("Token").check(value, None)

    for value in ["x", "a*b**c", "a..b", "ключ", "/+=_-.~", "x" * 500]:
        with subtests.test(value=value):
            assert Secret("Token").check(value, None) == value

    calls = Count("Calls", most=4)
    for number, fits in [(0, False), (1, True), (4, True), (5, False), (10**400, False)]:
        with subtests.test(number=number, fits=fits):
            if fits:
                assert calls.check(number, None) == number
            else:
                with pytest.raises(ValueError, match=messages.whole_number(1, 4)):
                    calls.check(number, None)

    for value in ["b.example", "https://b.example", "HTTPS://B.Example/", "b.example/"]:
        with subtests.test(value=value):
            assert HOST.check(value, None) == "https://b.example"
            assert HOST.in_force(None) == "https://a.example"
            assert HOST.in_force("https://b.example") == "https://b.example"

    for value in [
        "evil.example",
        "https://evil.example",
        "http://a.example",
        "https://a.example.evil.example",
        "https://evil.example/a.example",
        "https://a.example@evil.example",
        "https://user@a.example",
        "https://a.example:8443",
        "https://a.example/path",
        "https://a.example?x",
        "https://a.example#x",
        "https://a.example\\evil",
        "//a.example",
        "https://",
        "https://[",
        "127.0.0.1",
        "a.example.",
        "ａ.example",  # noqa: RUF001
    ]:
        with (
            subtests.test(value=value),
            pytest.raises(ValueError, match=r"^Base must be https://a\.example or https://b\.example\.$"),
        ):
            HOST.check(value, None)


MASKS = ["••••", "●●●●1234", "****", "abc***xyz", "...1234", "…1234", "∙∙∙∙", "····"]


HOST = ServiceHost("Base", hosts=("a.example", "b.example"))


def test_schema_and_constraints_are_what_check_accepts():
    assert Secret("Token", help="Behind Show.").schema() == {"title": "Token", "description": "Behind Show."}
    assert Count("Calls", most=4).constraints() == {"minimum": 1, "maximum": 4}
    assert Text("Account", pattern="AC[0-9]").constraints()["pattern"] == "^(AC[0-9])$"
    host = ServiceHost("Address", hosts=("api.example.com",))
    assert host.constraints() == {"enum": ["https://api.example.com"]}

    account, secret = Text("Account"), Secret("Token")
    wrong = [
        good
        for field, good in ((account, "AC 12"), (account, "é"), (secret, "a.b*c"), (secret, "x" * 9))
        if not re.search(field.constraints()["pattern"], good) or field.check(good, None) != good
    ]
    wrong += [text for text in (" ", "a\nb", "\u2028") if re.search(account.constraints()["pattern"], text)]
    masks = ("a b", "••••1234", "***", "abc...", "é\u200b")
    wrong += [text for text in masks if re.search(secret.constraints()["pattern"], text)]
    assert wrong == []
