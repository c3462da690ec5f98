from __future__ import annotations

from dataclasses import FrozenInstanceError

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
)


def declare(**attributes):
    base = {"key": "acme", "label": "Acme", "families": (Family.TELEPHONY,)}
    made = {name: value for name, value in (base | attributes).items() if value is not None}
    return type("Acme", (Provider,), made)


def test_a_declaration_knows_its_fields_in_order():
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


def test_a_field_is_in_its_families_only():
    acme = declare(
        families=(Family.VOICE, Family.TELEPHONY),
        account=Text("Account"),
        app=Text("App", families=(Family.VOICE,)),
    )()
    assert [field.name for field in acme.fields_in(Family.VOICE)] == ["account", "app"]
    assert [field.name for field in acme.fields_in(Family.TELEPHONY)] == ["account"]


def test_a_capability_is_a_method_of_its_name():
    assert declare()().capabilities == frozenset()
    able = declare(verify=lambda self: None, observe=lambda self: None)()
    assert able.capabilities == {Capability.VERIFY, Capability.OBSERVE}


def test_a_field_is_frozen():
    field = Text("Account")
    with pytest.raises(FrozenInstanceError):
        field.label = "Another"  # type: ignore[misc]


SHARED = Text("Shared")

BROKEN = {
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


@pytest.mark.parametrize("attributes", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_declaration_is_refused_by_name(attributes):
    with pytest.raises(DeclarationError, match=r"^tests\.test_provider|^test_provider|\.$"):
        declare(**attributes)


@pytest.mark.parametrize("field", [Text("A"), Secret("A"), PhoneNumber("A")])
@pytest.mark.parametrize(
    "value", ["", "\0", "a\nb", "a\rb", "a\tb", "a\x7fb", "a\x85b", "a\u2028b", "x" * 501]
)
def test_text_is_one_line_and_not_endless(field, value):
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$") as refused:
        field.check(value, "US")
    assert not value or value not in str(refused.value)


MASKS = ["••••", "●●●●1234", "****", "abc***xyz", "...1234", "…1234", "∙∙∙∙", "····"]


@pytest.mark.parametrize("value", MASKS)
def test_a_secret_is_not_a_mask(value):
    with pytest.raises(ValueError, match="This is a mask, not the Token"):
        Secret("Token").check(value, None)


@pytest.mark.parametrize("value", ["a b", "a\u00a0b", "a\u200bb", "\ufeffabc", "a\u202eb", "\ud800"])
def test_a_secret_has_no_invisible_characters(value):
    with pytest.raises(ValueError, match="spaces or invisible"):
        Secret("Token").check(value, None)


@pytest.mark.parametrize("value", ["x", "a*b**c", "a..b", "ключ", "/+=_-.~", "x" * 500])
def test_anything_else_may_be_a_secret(value):
    assert Secret("Token").check(value, None) == value


def test_a_pattern_is_matched_whole():
    field = Text("SID", pattern="AC[0-9]{2}", example="It is AC and two digits.")
    assert field.check("AC12", None) == "AC12"
    for value in ("AC123", "xAC12", "ac12", "AC12\n", "AC\u0661\u0662"):
        with pytest.raises(ValueError, match=r"^(SID does not look right\. It is AC|This has line)"):
            field.check(value, None)


@pytest.mark.parametrize(("value", "fits"), [(0, False), (1, True), (4, True), (5, False), (10**400, False)])
def test_a_count_is_in_its_range(value, fits):
    field = Count("Calls", most=4)
    if fits:
        assert field.check(value, None) == value
    else:
        with pytest.raises(ValueError, match="Use a whole number from 1 to 4"):
            field.check(value, None)


HOST = ServiceHost("Base", hosts=("a.example", "b.example"))


@pytest.mark.parametrize("value", ["b.example", "https://b.example", "HTTPS://B.Example/", "b.example/"])
def test_a_host_is_one_of_the_providers_own(value):
    assert HOST.check(value, None) == "https://b.example"
    assert HOST.in_force(None) == "https://a.example"
    assert HOST.in_force("https://b.example") == "https://b.example"


@pytest.mark.parametrize(
    "value",
    [
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
    ],
)
def test_any_other_host_is_refused(value):
    with pytest.raises(ValueError, match=r"^Base must be https://a\.example or https://b\.example\.$"):
        HOST.check(value, None)


def test_what_openapi_says_of_a_field():
    assert Secret("Token", help="Behind Show.").schema() == {
        "title": "Token",
        "description": "Behind Show.",
        "minLength": 1,
        "maxLength": 500,
        "format": "password",
    }
    assert Count("Calls", most=4).schema() == {"title": "Calls", "minimum": 1, "maximum": 4}
    assert "format" not in Text("Account").schema()
