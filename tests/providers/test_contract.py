"""What every declaration promises. A provider that is added is tested as soon as its file exists."""

from __future__ import annotations

import base64
import pkgutil
from typing import cast

import pytest

from app import providers
from app.core import clock
from app.core.naming import PHONE_NUMBER, calls_name, settings_name
from app.provider import (
    Capability,
    Count,
    Family,
    MakesDialerTokens,
    Origin,
    PhoneNumber,
    Secret,
    ServiceHost,
    Text,
    WebAddress,
    dialer,
)
from app.providers import PROVIDERS, in_family, keys_in
from app.services.connections import drafts, store
from simulators import SIMULATORS
from tests.support.samples import sample

ALL = list(PROVIDERS.values())
FIELDS = [(provider, field) for provider in ALL for field in provider.fields]
TYPED = [(provider, field) for provider, field in FIELDS if field.origin is Origin.TYPED]
TEXTS = [(provider, field) for provider, field in TYPED if not isinstance(field, Count)]
CONTROL = ["\0", "\n", "\r", "\x1b", "\x7f", "\x9f", "\u2028"]
NO_SECRETS = ["", "••••••••", "********", "…wxyz", "two words"]


def refusal(field, value):
    """The sentence that refuses the value, or None if the field accepts it."""
    try:
        field.check(value, "US")
    except ValueError as error:
        return str(error)
    return None


def is_sentence(text):
    return bool(text) and text[0].isupper() and text.endswith(".") and text.isprintable()


def test_every_provider_has_its_file_simulator_label_and_families():
    assert {module_info.name for module_info in pkgutil.iter_modules(providers.__path__)} == set(PROVIDERS)
    assert list(SIMULATORS) == list(PROVIDERS)
    for key, provider in PROVIDERS.items():
        assert type(provider).__module__ == f"app.providers.{key}"
        assert SIMULATORS[key].label == provider.label
        assert set(SIMULATORS[key].hosts) == set(provider.hosts)
        assert {field.name for field in provider.required} <= set(SIMULATORS[key].sample_values)

    for provider in ALL:
        assert provider.label.isprintable()
        assert is_sentence(provider.summary), provider.key
        assert provider.families
        for family in Family:
            assert (provider in in_family(family)) is (family in provider.families)
            assert (provider.key in keys_in(family)) is (family in provider.families)
        assert provider.numbers_of in {"", *PROVIDERS}

    with pytest.raises(TypeError):
        PROVIDERS["acme"] = ALL[0]  # type: ignore[index]


def test_samples_are_accepted_by_their_fields_and_stay_equal():
    wrong = [
        (key, name)
        for key, simulator in SIMULATORS.items()
        for values in (simulator.sample_values, simulator.demo.credentials)
        for name, value in values.items()
        if PROVIDERS[key].field(name).check(value, "US") != value
    ]
    for provider, field in TYPED:
        checked = field.check(sample(field), "US")
        if type(checked) is not field.python_type or field.check(checked, None) != checked:
            wrong.append((provider.key, field.name))
    assert wrong == []


def test_every_provider_can_be_verified_and_is_configured_if_complete():
    for key, provider in PROVIDERS.items():
        can = provider.capabilities
        assert Capability.VERIFY in can, key
        assert (Capability.NUMBERS in can) is (Capability.OBSERVE in can), key
        assert Capability.POINT not in can or Capability.OBSERVE in can, key
        assert (Capability.CALLBACK in can) is hasattr(provider, "set_callback"), key
        assert (Capability.DIALER_TOKEN in can) is hasattr(provider, "dialer_fields"), key
        assert Capability.DIALER_TOKEN not in can or Family.VOICE in provider.families, key
        assert provider.webhook_steps or Family.TELEPHONY not in provider.families, key
        assert all(is_sentence(step) for step in provider.webhook_steps), key

    for provider in ALL:
        assert stored(provider, provider.typed_fields).is_configured, provider.key
        assert stored(provider, provider.required).is_configured, provider.key
        for needed in provider.required:
            rest = [field for field in provider.typed_fields if field is not needed]
            assert stored(provider, rest).missing == (needed,), f"{provider.key}.{needed.name}"


def test_dialer_tokens_are_short_lived_and_contain_no_secret():
    """Made of nothing but the fields that are declared to be enough."""
    now = clock.now()
    for key, declared in PROVIDERS.items():
        if Capability.DIALER_TOKEN not in declared.capabilities:
            continue
        provider = cast(MakesDialerTokens, declared)
        assert set(provider.dialer_fields) <= set(declared.fields_in(Family.VOICE)), key
        values = {field.name: sample(field) for field in provider.dialer_fields}
        token = provider.dialer_token(values, "user_0123", now)
        assert now < token.expires_at <= now + dialer.LONGEST, key
        readable = b"".join(base64.urlsafe_b64decode(f"{part}==") for part in token.jwt.split("."))
        assert b"user_0123" in readable, key
        secrets = [values[field.name] for field in provider.dialer_fields if field.secret]
        assert not [secret for secret in secrets if secret.encode() in readable], key
        assert token.jwt not in repr(token), key


def test_fields_are_grouped_labelled_and_have_a_schema():
    for provider in ALL:
        assert provider.required, provider.key
        assert all(field.origin is Origin.TYPED for field in provider.required)
        for family in provider.families:
            assert set(provider.required) <= set(provider.fields_in(family)), provider.key

    for provider in ALL:
        grouped = [field.name for group in provider.groups.values() for field in group]
        assert sorted(grouped) == sorted(field.name for field in provider.typed_fields), provider.key

    for provider, field in FIELDS:
        name = f"{provider.key}.{field.name}"
        assert field.label.isprintable(), name
        assert field.label[0].isupper(), name
        assert isinstance(field, Text | Secret | PhoneNumber | Count | ServiceHost | WebAddress), name
        assert not field.help or is_sentence(field.help), name
        assert field.schema()["title"] == field.label, name
        assert field.where is None or field.where.address.startswith("https://"), name

    wrong = []
    for provider, field in FIELDS:
        sounds_secret = {"secret", "token", "password"} & set(field.name.split("_"))
        if field.secret is not bool(sounds_secret or field.name.endswith("api_key")):
            wrong.append(f"{provider.key}.{field.name}")
    assert wrong == []


def test_derived_names_are_unique_and_lead_back_to_their_field():
    for naming, shared in ((calls_name, {PHONE_NUMBER}), (settings_name, set())):
        names = [naming(provider.key, field.name) for provider, field in FIELDS]
        assert {name for name in names if names.count(name) > 1} <= shared
        for provider, field in FIELDS:
            picked = drafts.picked(provider, naming, {naming(provider.key, field.name): "x"})
            assert picked == ({field.name: "x"} if field.origin is Origin.TYPED else {})


def test_fields_refuse_control_characters_extremes_and_masks():
    wrong = []
    for provider, field in TEXTS:
        text = sample(field)
        bad = [value for char in CONTROL for value in (text + char + text, char, text[:2] + char + text[2:])]
        for value in (*bad, "", "x" * 5000):
            if not is_sentence(refusal(field, value)):
                wrong.append((provider.key, field.name, value[:40]))
    assert wrong == []

    wrong = []
    for provider, field in TYPED:
        for value in NO_SECRETS if field.secret else ():
            sentence = refusal(field, value)
            if not is_sentence(sentence) or (value and value in sentence):
                wrong.append((provider.key, field.name, value))
    assert wrong == []


def stored(provider, fields):
    plain = {field.name: sample(field) for field in fields if not field.secret}
    secrets = {
        field.name: store.StoredSecret("", clock.now(), broken=False, value=sample(field))
        for field in fields
        if field.secret
    }
    return store.StoredConnection(provider, 1, True, plain, secrets)
