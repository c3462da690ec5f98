"""Numbers of an account imported as endpoints, or as a user's numbers: all or none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.errors import Conflict, Invalid, NotFound
from app.models import AuditEvent, DriftCheck, Endpoint, VoicePhoneNumber
from app.providers import PROVIDERS
from app.services.connections import gateway
from app.services.connections.gateway import ProviderCallFailed
from app.services.numbers import claims, imports, inventory, messages
from app.services.numbers.imports import Refused
from simulators import SIMULATORS
from simulators.base import Trouble
from simulators.sinch_est import SinchEst
from tests.services.numbers.test_inventory import (
    EST,
    FIRST,
    SECOND,
    SINCH,
    THIRD,
    TWILIO,
    endpoint,
    give,
    reach,
)

AGENTS = {"inbound_agent_name": "Reception", "outbound_agent_name": "Sales"}


@pytest.fixture
def http(connected, http):
    return http


@pytest.fixture
def sinch():
    with SIMULATORS["sinch"]() as upstream:
        yield upstream


def rows(scope, model=Endpoint):
    scope.session.expire_all()
    return sorted(scope.session.scalars(scope.select(model)), key=lambda row: row.phone_number)


def events(scope, action):
    query = scope.select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
    return list(scope.session.scalars(query))


def test_import_endpoints_keeps_labels_is_audited_and_queues_checks(acme, twilio, http, monkeypatch):
    twilio.numbers[FIRST].friendly_name = "Front desk"
    imported_rows = imports.import_endpoints(acme, http, TWILIO, [SECOND, FIRST, SECOND], AGENTS)
    assert [row.phone_number for row in imported_rows] == [FIRST, SECOND]
    first, second = rows(acme)
    assert (first.provider, first.label, first.is_active) == ("twilio", "Front desk", True)
    assert {row.inbound_agent_name for row in (first, second)} == {"Reception"}
    assert {row.outbound_agent_name for row in (first, second)} == {"Sales"}
    created_events = events(acme, "endpoint.created")
    assert [event.subject for event in created_events] == [FIRST, SECOND]
    assert [event.changes["imported_from"] for event in created_events] == [[None, "Twilio"]] * 2

    queued: list[str] = []
    scope = replace(acme, queue_drift_check=queued.append)
    with pytest.raises(Conflict):
        imports.import_endpoints(scope, http, TWILIO, [THIRD, "+15550000000"], {})
    assert queued == []
    imports.import_endpoints(scope, http, TWILIO, [THIRD], AGENTS)
    assert queued == [acme.organization.id]
    checks = {check.phone_number: check.due for check in rows(acme, DriftCheck)}
    assert checks == dict.fromkeys([FIRST, SECOND, THIRD], True)

    monkeypatch.setattr(gateway, "LIST", replace(gateway.LIST, most=1))
    for number in ("+15551230001", "+15551230002"):
        twilio.add(number)
        imports.import_endpoints(acme, http, TWILIO, [number], {})
    assert len(inventory.list_owned(acme, http, TWILIO).rows) == 5


def test_import_endpoints_claimed_number_imports_nothing(acme, globex, http, monkeypatch):
    """Also if it is claimed between the look and the insert, as another process can on PostgreSQL."""
    endpoint(acme, FIRST)
    endpoint(globex, SECOND)
    with pytest.raises(Refused) as refused:
        imports.import_endpoints(acme, http, TWILIO, [FIRST, SECOND, THIRD], AGENTS)
    assert refused.value.code == "NUMBER_IN_USE"
    assert refused.value.reasons == {FIRST: messages.IS_ENDPOINT, SECOND: messages.IN_OTHER_ORGANIZATION}
    assert FIRST in refused.value.message
    assert "Globex" not in refused.value.message

    looked = claims.claims

    def late(scope, numbers):
        monkeypatch.setattr(claims, "claims", looked)
        return {}

    monkeypatch.setattr(claims, "claims", late)
    with pytest.raises(Refused) as refused:
        imports.import_endpoints(acme, http, TWILIO, [SECOND, THIRD], {})
    assert refused.value.code == "NUMBER_IN_USE"
    assert refused.value.reasons == {SECOND: messages.IN_OTHER_ORGANIZATION}
    assert [row.phone_number for row in rows(acme)] == [FIRST]
    assert len(events(acme, "endpoint.created")) == 1


def _imports(scope, http, numbers):
    """Both ways to import the numbers."""
    return (
        lambda: imports.import_endpoints(scope, http, TWILIO, numbers, {}),
        lambda: imports.import_voice_numbers(scope, http, TWILIO, numbers, "unknown"),
    )


def test_import_of_unusable_or_foreign_numbers_imports_nothing(acme, twilio, http, cast):
    for wrong in ("5551234567", "+1 555-123-4567", "+1", "+1555123"):
        for act in _imports(acme, http, [FIRST, wrong]):
            with pytest.raises(Refused) as refused:
                act()
            assert refused.value.reasons == {wrong: messages.UNUSABLE}
    assert twilio.requests == []

    many = [f"+1555{1000000 + n}" for n in range(imports.MAX_NUMBERS + 1)]
    for numbers, message in (([], messages.NONE_SELECTED), (many, messages.too_many(imports.MAX_NUMBERS))):
        for act in _imports(acme, http, numbers):
            with pytest.raises(Invalid) as invalid:
                act()
            assert [(p.field, p.message) for p in invalid.value.problems] == [("phone_numbers", message)]
    assert twilio.requests == []
    with pytest.raises(Refused) as missing:
        imports.import_endpoints(acme, http, TWILIO, many[1:], {})
    assert missing.value.code == "NUMBER_NOT_OWNED"

    foreign = "+15550000000"
    for import_them in (
        lambda: imports.import_endpoints(acme, http, TWILIO, [FIRST, foreign], {}),
        lambda: imports.import_voice_numbers(acme, http, TWILIO, [FIRST, foreign], cast.mo.id),
    ):
        with pytest.raises(Refused) as refused:
            import_them()
        assert set(refused.value.reasons) == {foreign}
        assert refused.value.code == "NUMBER_NOT_OWNED"
    assert rows(acme) == rows(acme, VoicePhoneNumber) == []


def test_import_voice_numbers_has_a_default_their_label_and_their_carrier(acme, cast, sinch, twilio, http):
    there = reach(acme, sinch, "sinch")
    requested = ["+12025550103", "+12025550101"]
    user = imports.import_voice_numbers(acme, there, SINCH, requested, cast.mo.id)
    assert user.id == cast.mo.id
    assigned_numbers = rows(acme, VoicePhoneNumber)
    assert [(row.phone_number, row.provider, row.is_default) for row in assigned_numbers] == [
        ("+12025550101", "sinch", True),
        ("+12025550103", "sinch", False),
    ]
    assert len(events(acme, "number.given")) == 2

    twilio.numbers[FIRST].friendly_name = "Front desk"
    imports.import_voice_numbers(acme, http, TWILIO, [FIRST], cast.mo.id)
    assigned_numbers = rows(acme, VoicePhoneNumber)
    assert [row.label for row in assigned_numbers if row.provider == "twilio"] == ["Front desk"]

    with SinchEst() as upstream:
        http = reach(acme, upstream, "sinch_est")
        (number, *_) = upstream.numbers
        imports.import_voice_numbers(acme, http, EST, [number], cast.mo.id)
    assert [row.provider for row in rows(acme, VoicePhoneNumber) if row.phone_number == number] == ["sinch"]


def test_import_voice_numbers_needs_a_user_and_unclaimed_numbers(acme, globex, cast, sinch):
    http = reach(acme, sinch, "sinch")
    give(globex, cast.gus, "+12025550102")
    with pytest.raises(Refused) as refused:
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101", "+12025550102"], cast.mo.id)
    assert refused.value.code == "NUMBER_IN_USE"
    give(acme, cast.mo, "+12025550103")
    with pytest.raises(Refused) as refused:
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101", "+12025550103"], cast.mo.id)
    assert refused.value.code == "NUMBER_ALREADY_GIVEN"
    assert [row.phone_number for row in rows(acme, VoicePhoneNumber)] == ["+12025550103"]

    sinch.requests.clear()
    with pytest.raises(Invalid, match="user_id"):
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101"], "")
    with pytest.raises(NotFound):
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101"], cast.gus.id)
    assert sinch.requests == []

    for user in (cast.dana, cast.mo):
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101"], user.id)
    assert {row.user_id for row in rows(acme, VoicePhoneNumber)} == {cast.dana.id, cast.mo.id}


def test_import_of_other_family_bad_agent_or_failing_provider_is_refused(acme, twilio, http, cast):
    for act in (
        lambda: imports.import_endpoints(acme, http, SINCH, [FIRST], {}),
        lambda: imports.import_voice_numbers(acme, http, PROVIDERS["vobiz"], [FIRST], cast.mo.id),
    ):
        with pytest.raises(Conflict) as conflict:
            act()
        assert conflict.value.code == "CANNOT_IMPORT"

    with pytest.raises(Invalid) as refused:
        imports.import_endpoints(acme, http, TWILIO, [FIRST], {"inbound_agent_name": "a/b"})
    assert [problem.field for problem in refused.value.problems] == ["inbound_agent_name"]
    assert twilio.requests == []

    twilio.trouble = Trouble.FAULT
    with pytest.raises(ProviderCallFailed):
        imports.import_endpoints(acme, http, TWILIO, [FIRST], {})
    assert rows(acme) == []
