"""What every provider promises. One that is added is tested the moment its file exists."""

from __future__ import annotations

import pkgutil

import pytest

from app import providers
from app.core import clock
from app.core.naming import calls_name, settings_name
from app.provider import Count, Family, Origin, PhoneNumber, Provider, Secret, ServiceHost, Text
from app.providers import PROVIDERS, in_family, keys_in
from app.services.connections import drafts, store
from tests.support.samples import sample

ALL = list(PROVIDERS.values())
FIELDS = [(provider, field) for provider in ALL for field in provider.fields]
TYPED = [(provider, field) for provider, field in FIELDS if field.origin is Origin.TYPED]
SECRETS = [(provider, field) for provider, field in TYPED if field.secret]

each_provider = pytest.mark.parametrize("provider", ALL, ids=lambda provider: provider.key)


def each(pairs):
    ids = [f"{provider.key}.{field.name}" for provider, field in pairs]
    return pytest.mark.parametrize(("provider", "field"), pairs, ids=ids)


def test_every_file_is_a_provider_and_named_as_its_key():
    files = {found.name for found in pkgutil.iter_modules(providers.__path__)}
    assert files == set(PROVIDERS)
    for provider in ALL:
        assert type(provider).__module__ == f"app.providers.{provider.key}"


def test_providers_cannot_be_added_or_changed_afterwards():
    with pytest.raises(TypeError):
        PROVIDERS["acme"] = ALL[0]  # type: ignore[index]


@each_provider
def test_it_has_a_name_and_a_family(provider):
    assert provider.label.isprintable()
    assert provider.families
    assert set(provider.families) <= set(Family)
    assert provider.summary.endswith(".")
    for family in Family:
        assert (provider in in_family(family)) is (family in provider.families)
        assert (provider.key in keys_in(family)) is (family in provider.families)


@each_provider
def test_something_is_needed_to_be_configured(provider):
    assert provider.required
    assert all(field.origin is Origin.TYPED for field in provider.required)
    for family in provider.families:
        assert set(provider.required) <= set(provider.fields_in(family))


@each_provider
def test_every_typed_field_is_in_a_group_of_its_form(provider):
    grouped = [field for group in provider.groups.values() for field in group]
    assert sorted(field.name for field in grouped) == sorted(f.name for f in provider.typed_fields)


@each_provider
def test_manual_steps_are_sentences(provider):
    assert all(step.endswith(".") for step in provider.webhook_steps)
    assert provider.webhook_steps or Family.TELEPHONY not in provider.families


@each(FIELDS)
def test_a_field_has_a_label_and_is_of_a_known_type(provider, field):
    assert field.label.isprintable()
    assert field.label[0].isupper()
    assert isinstance(field, Text | Secret | PhoneNumber | Count | ServiceHost)
    assert field.secret is isinstance(field, Secret)
    assert not field.help or field.help.endswith(".")
    assert field.schema()["title"] == field.label


@each(FIELDS)
def test_what_sounds_secret_is_secret(provider, field):
    words = set(field.name.split("_"))
    sounds_so = words & {"secret", "token", "password"} or field.name.endswith("api_key")
    assert field.secret is bool(sounds_so)


def test_names_are_unique_in_the_settings_api():
    names = [settings_name(provider.key, field.name) for provider, field in FIELDS]
    assert len(names) == len(set(names))


def test_names_are_unique_in_the_calls_api_but_for_the_number():
    names = [calls_name(provider.key, field.name) for provider, field in FIELDS]
    assert {name for name in names if names.count(name) > 1} <= {"phoneNumber"}


@each(FIELDS)
def test_a_derived_name_finds_its_field_again(provider, field):
    for naming in (calls_name, settings_name):
        name = naming(provider.key, field.name)
        found = drafts.picked(provider, naming, {name: "x"})
        assert found == ({field.name: "x"} if field.origin is Origin.TYPED else {})


@each(TYPED)
def test_a_typed_field_accepts_a_sample_and_keeps_it(provider, field):
    checked = field.check(sample(field), "US")
    assert type(checked) is field.python_type
    assert field.check(checked, None) == checked


@each([pair for pair in TYPED if not isinstance(pair[1], Count)])
@pytest.mark.parametrize("bad", ["\0", "\n", "\r", "\x1b", "\x7f", "\x9f", "\u2028"])
def test_a_typed_field_refuses_control_characters(provider, field, bad):
    text = sample(field)
    for value in (text + bad + text, bad, text[:2] + bad + text[2:]):
        with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
            field.check(value, "US")


@each([pair for pair in TYPED if not isinstance(pair[1], Count)])
@pytest.mark.parametrize("bad", ["", "x" * 5000])
def test_a_typed_field_refuses_nothing_and_far_too_much(provider, field, bad):
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        field.check(bad, "US")


@each(SECRETS)
@pytest.mark.parametrize("bad", ["", "••••••••", "********", "…wxyz", "two words"])
def test_a_secret_refuses_empties_and_masks_and_does_not_echo(provider, field, bad):
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$") as refused:
        field.check(bad, None)
    assert not bad or bad not in str(refused.value)


@each_provider
def test_filled_with_samples_it_is_configured_and_without_any_needed_one_it_is_not(provider):
    def state(fields):
        plain = {field.name: sample(field) for field in fields if not field.secret}
        secrets = {
            field.name: store.StoredSecret("", clock.now(), broken=False, value=sample(field))
            for field in fields
            if field.secret
        }
        return store.State(provider, 1, True, plain, secrets)

    assert state(provider.typed_fields).is_configured
    assert state(provider.required).is_configured
    for needed in provider.required:
        rest = [field for field in provider.typed_fields if field is not needed]
        assert state(rest).missing == (needed,)


def test_the_loader_is_frozen_on_classes():
    assert all(isinstance(provider, Provider) for provider in ALL)
