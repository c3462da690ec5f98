from __future__ import annotations

import re

import pytest

from app.core.errors import Invalid
from app.services import validation
from app.services.access.sign_in import Credentials
from app.services.access.users import UserDraft
from app.services.endpoints import crud
from app.services.endpoints.fields import EndpointDraft
from app.services.numbers.assignments import VoicePhoneNumberDraft
from app.services.organizations.directory import OrganizationEdit
from app.services.providers import telephony
from app.services.providers.telephony import TelephonyChanges
from app.services.providers.voice import ConfigChanges as VoiceChanges
from app.services.voice_ai.config import ConfigChanges as VoiceAiChanges

MODELS = [
    Credentials,
    EndpointDraft,
    OrganizationEdit,
    TelephonyChanges,
    UserDraft,
    VoiceAiChanges,
    VoiceChanges,
    VoicePhoneNumberDraft,
]
MARKER = "canary"
WRONG = [MARKER, f"{MARKER}\0", "\ud800" + MARKER, 7, 7.5, True, [MARKER], {MARKER: 1}, "", 10**400]
JARGON = re.compile(r"pydantic|Input|valid string|type=|NoneType|ctx|dict|instance", re.IGNORECASE)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_problems_are_plain_sentences_about_known_fields_and_never_echo(model, wrong):
    names = {field.alias or name for name, field in model.model_fields.items()}
    sent = dict.fromkeys(names, wrong)
    try:
        validation.read(model, sent, country="US")
    except Invalid as refused:
        problems = refused.problems
    else:
        return
    for problem in problems:
        assert problem.field in names
        assert re.fullmatch(r"[A-Z].*\.", problem.message)
        assert not JARGON.search(problem.message)
        assert MARKER not in problem.message


@pytest.mark.parametrize("data", [None, [], "text", 7, [{}]])
def test_the_body_must_be_an_object(data):
    with pytest.raises(Invalid) as refused:
        validation.read(Credentials, data)
    assert refused.value.problems[0].message == "Send a JSON object, such as {}."


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(Invalid) as refused:
        validation.read(EndpointDraft, {"phone_number": 1, "provider": 2, "label": 3, "labl": 4})
    fields = {problem.field for problem in refused.value.problems}
    assert fields == {"phone_number", "provider", "label", "labl"}
    assert refused.value.message.startswith("Nothing was changed. ")


def test_what_is_missing_is_told():
    with pytest.raises(Invalid) as refused:
        validation.read(Credentials, {})
    assert {(problem.field, problem.message) for problem in refused.value.problems} == {
        ("email", "This is required."),
        ("password", "This is required."),
    }


def test_choices_are_told():
    with pytest.raises(Invalid) as refused:
        validation.read(EndpointDraft, {"phone_number": "+15551234567", "provider": "x"})
    assert refused.value.problems[0].message == "Use twilio or exotel or vobiz."


def test_thousands_of_unknown_fields_are_answered_shortly():
    sent = {f"unknown_{n}_{'x' * 200}": n for n in range(5000)}
    with pytest.raises(Invalid) as refused:
        validation.read(TelephonyChanges, sent)
    assert len(refused.value.problems) == validation.MOST_PROBLEMS
    assert all(len(problem.field) <= validation.LONGEST_NAME for problem in refused.value.problems)


def test_values_are_trimmed():
    draft = validation.read(
        EndpointDraft, {"phone_number": " +15551234567\n", "provider": "twilio", "label": " a "}
    )
    values = draft.model_dump()
    assert (values["phone_number"], values["label"]) == ("+15551234567", "a")


def test_nothing_is_coerced():
    for value in ("7", 7.0, True):
        with pytest.raises(Invalid) as refused:
            validation.read(TelephonyChanges, {"twilio_max_concurrent": value})
        assert refused.value.problems[0].message == "This must be a whole number."


def test_a_label_of_spaces_is_an_empty_label(acme):
    row = crud.create(acme, {"phone_number": "+15551234567", "provider": "twilio", "label": "  "})
    assert row.label == ""


def test_a_draft_is_not_shown_with_its_values():
    with pytest.raises(Invalid) as refused:
        validation.read(telephony.TelephonyChanges, {"twilio_auth_token": "canary canary"})
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
