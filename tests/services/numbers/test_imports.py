"""From an account's list to endpoints, or to a person's numbers: all of them or none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.errors import Conflict, Invalid, NotFound
from app.models import AuditEvent, DriftCheck, Endpoint, VoicePhoneNumber
from app.providers import PROVIDERS
from app.services.connections import gateway
from app.services.connections.gateway import ProviderCallFailed
from app.services.numbers import claims, imports, inventory
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
    connected,
    endpoint,
    give,
)

AGENTS = {"inbound_agent_name": "Reception", "outbound_agent_name": "Sales"}


@pytest.fixture
def twilio():
    with SIMULATORS["twilio"]() as upstream:
        yield upstream


@pytest.fixture
def http(acme, twilio):
    return connected(acme, twilio, TWILIO)


@pytest.fixture
def sinch():
    with SIMULATORS["sinch"]() as upstream:
        yield upstream


def rows(scope, model=Endpoint):
    scope.session.expire_all()
    return sorted(scope.session.scalars(scope.select(model)), key=lambda row: row.phone_number)


def events(scope, action):
    found = scope.select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
    return list(scope.session.scalars(found))


def test_ticked_numbers_become_endpoints_with_the_providers_label(acme, twilio, http):
    twilio.numbers[FIRST].friendly_name = "Front desk"
    made = imports.import_endpoints(acme, http, TWILIO, [SECOND, FIRST, SECOND], AGENTS)
    assert [row.phone_number for row in made] == [FIRST, SECOND]
    first, second = rows(acme)
    assert (first.provider, first.label, first.is_active) == ("twilio", "Front desk", True)
    assert {row.inbound_agent_name for row in (first, second)} == {"Reception"}
    assert {row.outbound_agent_name for row in (first, second)} == {"Sales"}


def test_each_is_audited_with_where_it_came_from(acme, http):
    imports.import_endpoints(acme, http, TWILIO, [FIRST, SECOND], {})
    told = events(acme, "endpoint.created")
    assert [event.subject for event in told] == [FIRST, SECOND]
    assert [event.changes["imported_from"] for event in told] == [[None, "Twilio"]] * 2


def test_what_is_new_is_checked_soon_and_what_failed_is_not(acme, http):
    asked: list[str] = []
    scope = replace(acme, queue_drift_check=asked.append)
    with pytest.raises(Conflict):
        imports.import_endpoints(scope, http, TWILIO, [FIRST, "+15550000000"], {})
    assert asked == []
    imports.import_endpoints(scope, http, TWILIO, [FIRST], AGENTS)
    assert asked == [acme.organization.id]
    assert [(check.phone_number, check.due) for check in rows(acme, DriftCheck)] == [(FIRST, True)]


def test_a_clash_leaves_everything_as_it_was_and_names_no_owner(acme, globex, cast, http):
    endpoint(acme, FIRST)
    endpoint(globex, SECOND)
    with pytest.raises(Refused) as told:
        imports.import_endpoints(acme, http, TWILIO, [FIRST, SECOND, THIRD], AGENTS)
    assert told.value.code == "NUMBER_IN_USE"
    assert told.value.message == (
        f"Nothing was imported. Already an endpoint here: {FIRST}. In another organization: {SECOND}."
    )
    assert told.value.reasons == {
        FIRST: "Already an endpoint here",
        SECOND: "In another organization",
    }
    assert [row.phone_number for row in rows(acme)] == [FIRST]


def test_a_number_that_is_claimed_in_the_same_moment_is_a_clash_too(acme, globex, http, monkeypatch):
    """Between the look and the insert, as another process can on PostgreSQL."""
    endpoint(globex, SECOND)
    looked = claims.claims

    def late(scope, wanted):
        monkeypatch.setattr(claims, "claims", looked)
        return {}

    monkeypatch.setattr(claims, "claims", late)
    with pytest.raises(Conflict, match=r"In another organization: \+15551234568") as told:
        imports.import_endpoints(acme, http, TWILIO, [FIRST, SECOND], {})
    assert told.value.code == "NUMBER_IN_USE"
    assert rows(acme) == []
    assert events(acme, "endpoint.created") == []


def test_only_what_the_account_owns_is_imported(acme, cast, http):
    foreign = "+15550000000"
    for import_them in (
        lambda: imports.import_endpoints(acme, http, TWILIO, [FIRST, foreign], {}),
        lambda: imports.import_voice_numbers(acme, http, TWILIO, [FIRST, foreign], cast.mo.id),
    ):
        with pytest.raises(Conflict, match=r"Not in the Twilio account: \+15550000000") as told:
            import_them()
        assert told.value.code == "NUMBER_NOT_OWNED"
    assert rows(acme) == rows(acme, VoicePhoneNumber) == []


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([], "Select the numbers"),
        ([f"+1555{1000000 + n}" for n in range(201)], "at most 200"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anybody_is_asked(acme, twilio, http, wanted, message):
    for import_them in (
        lambda: imports.import_endpoints(acme, http, TWILIO, wanted, {}),
        lambda: imports.import_voice_numbers(acme, http, TWILIO, wanted, "somebody"),
    ):
        with pytest.raises(Invalid) as told:
            import_them()
        assert message in told.value.problems[0].message
    assert twilio.requests == []


@pytest.mark.parametrize("wrong", ["5551234567", "+1 555-123-4567", "+1", "+1555123"])
def test_a_number_that_is_none_is_named_before_anybody_is_asked(acme, twilio, http, wrong):
    for import_them in (
        lambda: imports.import_endpoints(acme, http, TWILIO, [FIRST, wrong], {}),
        lambda: imports.import_voice_numbers(acme, http, TWILIO, [FIRST, wrong], "somebody"),
    ):
        with pytest.raises(Refused) as told:
            import_them()
        assert told.value.reasons == {wrong: "Not a phone number in E.164, such as +15551234567"}
        assert told.value.message.endswith(f": {wrong}.")
    assert twilio.requests == []


def test_an_agent_that_cannot_be_is_told_by_its_field(acme, twilio, http):
    with pytest.raises(Invalid) as told:
        imports.import_endpoints(acme, http, TWILIO, [FIRST], {"inbound_agent_name": "a/b"})
    assert [problem.field for problem in told.value.problems] == ["inbound_agent_name"]
    assert twilio.requests == []


def test_a_provider_that_does_not_answer_imports_nothing(acme, cast, twilio, http):
    twilio.trouble = Trouble.FAULT
    with pytest.raises(ProviderCallFailed):
        imports.import_endpoints(acme, http, TWILIO, [FIRST], {})
    assert rows(acme) == []


def test_importing_uses_up_no_listing(acme, http, monkeypatch):
    monkeypatch.setattr(gateway, "LIST", replace(gateway.LIST, most=1))
    for number in (FIRST, SECOND):
        imports.import_endpoints(acme, http, TWILIO, [number], {})
    assert len(inventory.list_owned(acme, http, TWILIO).rows) == 3


def test_ticked_numbers_are_given_to_a_person_and_the_first_is_the_default(acme, cast, sinch):
    http = connected(acme, sinch, SINCH)
    wanted = ["+12025550103", "+12025550101"]
    user = imports.import_voice_numbers(acme, http, SINCH, wanted, cast.mo.id)
    assert user.id == cast.mo.id
    given = rows(acme, VoicePhoneNumber)
    assert [(row.phone_number, row.provider, row.is_default) for row in given] == [
        ("+12025550101", "sinch", True),
        ("+12025550103", "sinch", False),
    ]
    assert len(events(acme, "number.given")) == 2


def test_numbers_of_the_trunk_are_sinch_numbers(acme, cast):
    with SinchEst() as upstream:
        http = connected(acme, upstream, EST)
        (number, *_) = upstream.numbers
        imports.import_voice_numbers(acme, http, EST, [number], cast.mo.id)
    assert [row.provider for row in rows(acme, VoicePhoneNumber)] == ["sinch"]


def test_the_label_goes_with_the_number(acme, cast, twilio, http):
    twilio.numbers[FIRST].friendly_name = "Front desk"
    imports.import_voice_numbers(acme, http, TWILIO, [FIRST], cast.mo.id)
    assert [(row.provider, row.label) for row in rows(acme, VoicePhoneNumber)] == [("twilio", "Front desk")]


def test_a_person_gets_all_or_none(acme, globex, cast, sinch):
    http = connected(acme, sinch, SINCH)
    give(globex, cast.gus, "+12025550102")
    with pytest.raises(Conflict, match=r"In another organization: \+12025550102") as told:
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101", "+12025550102"], cast.mo.id)
    assert told.value.code == "NUMBER_IN_USE"
    give(acme, cast.mo, "+12025550103")
    with pytest.raises(Conflict, match=r"Already assigned to Mo: \+12025550103") as told:
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101", "+12025550103"], cast.mo.id)
    assert told.value.code == "NUMBER_ALREADY_GIVEN"
    assert [row.phone_number for row in rows(acme, VoicePhoneNumber)] == ["+12025550103"]


def test_people_of_one_organization_share_a_number(acme, cast, sinch):
    http = connected(acme, sinch, SINCH)
    for user in (cast.dana, cast.mo):
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101"], user.id)
    assert {row.user_id for row in rows(acme, VoicePhoneNumber)} == {cast.dana.id, cast.mo.id}


def test_who_gets_them_is_somebody_of_the_organization(acme, cast, sinch):
    http = connected(acme, sinch, SINCH)
    with pytest.raises(Invalid, match="user_id"):
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101"], "")
    with pytest.raises(NotFound):
        imports.import_voice_numbers(acme, http, SINCH, ["+12025550101"], cast.gus.id)
    assert sinch.requests == []


def test_each_family_has_its_own_way(acme, cast, http):
    with pytest.raises(Conflict, match="cannot be endpoints"):
        imports.import_endpoints(acme, http, SINCH, [FIRST], {})
    with pytest.raises(Conflict, match="cannot be assigned to users"):
        imports.import_voice_numbers(acme, http, PROVIDERS["vobiz"], [FIRST], cast.mo.id)
