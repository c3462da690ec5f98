from __future__ import annotations

import re
from typing import get_args

import pytest

from app.core.errors import Invalid
from app.provider import Family
from app.providers import keys_in
from app.services import messages, validation
from app.services.access.sign_in import Credentials
from app.services.access.users import UserDraft
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
    *get_args(VoiceChanges.model_fields["root"].annotation),
    VoicePhoneNumberDraft,
]
MARKER = "canary"
WRONG = [MARKER, f"{MARKER}\0", "\ud800" + MARKER, 7, 7.5, True, [MARKER], {MARKER: 1}, "", 10**400]
JARGON = re.compile(r"pydantic|Input|valid string|type=|NoneType|ctx|dict|instance", re.IGNORECASE)


def _problems(model, value):
    """The problems of a draft that has the value in each of its fields."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    try:
        validation.read(model, dict.fromkeys(names, value), country="US")
    except Invalid as refused:
        return [(problem, names) for problem in refused.problems]
    return []


def test_read_reports_plain_sentences_and_hides_the_value_in_its_error():
    named_problems = [each for model in MODELS for value in WRONG for each in _problems(model, value)]
    wrong = [
        problem
        for problem, names in named_problems
        if problem.field not in names
        or not re.fullmatch(r"[A-Z].*\.", problem.message)
        or JARGON.search(problem.message)
        or MARKER in problem.message
    ]
    assert len(named_problems) > 100
    assert wrong == []

    with pytest.raises(Invalid) as refused:
        validation.read(telephony.TelephonyChanges, {"twilio_auth_token": "canary canary"})
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_read_coerces_no_value_and_names_every_wrong_or_missing_field():
    draft = validation.read(
        EndpointDraft, {"phone_number": " +15551234567\n", "provider": "twilio", "label": " a "}
    )
    values = draft.model_dump()
    assert (values["phone_number"], values["label"]) == ("+15551234567", "a")
    blank = {"phone_number": "+15551234567", "provider": "twilio", "label": "  "}
    assert validation.read(EndpointDraft, blank).model_dump()["label"] == ""

    for value in ("7", 7.0, True):
        with pytest.raises(Invalid) as refused:
            validation.read(TelephonyChanges, {"twilio_max_concurrent": value})
        assert refused.value.problems[0].message == messages.NOT_WHOLE
    bodies: tuple[object, ...] = (None, [], "text", 7, [{}])
    for data in bodies:
        with pytest.raises(Invalid) as refused:
            validation.read(Credentials, data)
        assert [problem.field for problem in refused.value.problems] == ["body"], data

    with pytest.raises(Invalid) as refused:
        validation.read(EndpointDraft, {"phone_number": 1, "provider": 2, "label": 3, "labl": 4})
    fields = {problem.field for problem in refused.value.problems}
    assert fields == {"phone_number", "provider", "label", "labl"}

    payload = {f"unknown_{n}_{'x' * 200}": n for n in range(5000)}
    with pytest.raises(Invalid) as refused:
        validation.read(TelephonyChanges, payload)
    assert len(refused.value.problems) == validation.MOST_PROBLEMS
    assert all(len(problem.field) <= validation.LONGEST_NAME for problem in refused.value.problems)

    with pytest.raises(Invalid) as refused:
        validation.read(Credentials, {})
    assert {(problem.field, problem.message) for problem in refused.value.problems} == {
        ("email", messages.REQUIRED),
        ("password", messages.REQUIRED),
    }

    with pytest.raises(Invalid) as refused:
        validation.read(EndpointDraft, {"phone_number": "+15551234567", "provider": "x"})
    assert refused.value.problems[0].message == messages.use_one_of(keys_in(Family.TELEPHONY))
