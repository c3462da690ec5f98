"""The numbers in a provider's account, and their state in Patchbay; against the simulators."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.errors import Conflict, TooMany
from app.core.outbound.client import Outbound
from app.models import Endpoint
from app.provider import Outcome
from app.provider.numbers import ProviderNumber
from app.providers import PROVIDERS
from app.services import fields
from app.services.connections import gateway
from app.services.connections.gateway import ProviderCallFailed
from app.services.endpoints import crud
from app.services.numbers import assignments
from app.services.numbers import inventory as numbers_inventory
from app.services.numbers.claims import Claim
from simulators import SIMULATORS
from simulators.base import CANARY, Trouble
from tests.support.accounts import connect
from tests.support.scopes import statements

TWILIO, SINCH, EST = (PROVIDERS[key] for key in ("twilio", "sinch", "sinch_est"))
FIRST, SECOND, THIRD = "+15551234567", "+15551234568", "+15551234569"
LISTING = sorted(
    key for key, provider in PROVIDERS.items() if numbers_inventory.can_list(provider) and key in SIMULATORS
)


@pytest.fixture
def http(connected, http):
    return http


def reach(scope, upstream, key):
    """A way out to the account, which is connected."""
    connect(scope, key, upstream.values)
    return Outbound(upstream.upstreams, deadline=2.0)


def states(inventory):
    return {row.number.phone_number: str(row.state) for row in inventory.rows}


def endpoint(scope, number, **more):
    return crud.create(scope, {"phone_number": number, "provider": "twilio", **more})


def give(scope, user, number, provider="sinch"):
    payload = {"userId": user.id, "provider": provider, "phoneNumber": number}
    return assignments.assign(scope, payload)


def test_list_owned_returns_each_number_sorted(acme, subtests):
    for key in LISTING:
        with subtests.test(key), SIMULATORS[key]() as upstream:
            http = reach(acme, upstream, key)
            inventory = numbers_inventory.list_owned(acme, http, PROVIDERS[key])
            listed = [row.number.phone_number for row in inventory.rows]
            assert listed
            assert listed == sorted(set(listed))
            assert {row.state for row in inventory.rows} == {Claim.UNMAPPED}
            assert not inventory.is_cut_off


def test_list_owned_has_the_state_of_each_number_of_agents_and_dialers(acme, globex, cast, http):
    give(globex, cast.gus, FIRST)
    give(acme, cast.mo, THIRD)
    states_by_number = states(numbers_inventory.list_owned(acme, http, TWILIO))
    assert states_by_number == {FIRST: "elsewhere", SECOND: "unmapped", THIRD: "unmapped"}
    assignments.unassign(globex, cast.gus.id, "sinch", FIRST)
    mapped = endpoint(acme, FIRST)
    endpoint(globex, SECOND)
    inventory = numbers_inventory.list_owned(acme, http, TWILIO)
    assert states(inventory) == {FIRST: "mapped", SECOND: "elsewhere", THIRD: "unmapped"}
    assert [row.claims.endpoint_id for row in inventory.rows] == [mapped.id, None, None]

    mine, foreign, dialled, free = "+12025550101", "+12025550102", "+12025550103", "+12025550104"
    give(acme, cast.mo, mine)
    give(globex, cast.gus, foreign)
    endpoint(globex, dialled)
    with SIMULATORS["sinch"]() as upstream:
        inventory = numbers_inventory.list_owned(acme, reach(acme, upstream, "sinch"), SINCH)
    assert states(inventory) == {mine: "mapped", foreign: "elsewhere", dialled: "elsewhere", free: "unmapped"}
    assert inventory.rows[0].claims.user_id == cast.mo.id


def test_document_has_no_password_and_matching_searches_the_label(acme, twilio, http):
    twilio.numbers[FIRST].voice_url = "https://user:sample-password@calls.example/x?y=1"
    twilio.numbers[FIRST].friendly_name = "Front\r\ndesk \u202e" + "x" * 300
    row, second, _ = numbers_inventory.list_owned(acme, http, TWILIO).rows
    document = row.document()
    assert list(document) == ["phone_number", "label", "state", "webhook_url"]
    assert document["webhook_url"] == "https://calls.example/x?y=1"
    assert document["label"].startswith("Front desk x")
    assert len(document["label"]) <= fields.LABEL_LONGEST
    assert document["label"].isprintable()
    assert second.document()["webhook_url"] is None

    twilio.numbers[FIRST].friendly_name = "Front desk"
    for number in (SECOND, THIRD):
        twilio.numbers[number].friendly_name = "Line"
    endpoint(acme, SECOND)
    inventory = numbers_inventory.list_owned(acme, http, TWILIO)
    match_counts = {text: len(inventory.matching(text)) for text in ("568", "+1 555-123", "FRONT", "zzz", "")}
    assert match_counts == {"568": 1, "+1 555-123": 3, "FRONT": 1, "zzz": 0, "": 3}
    assert [row.number.phone_number for row in inventory.matching("", Claim.MAPPED)] == [SECOND]
    assert inventory.matching("567", Claim.MAPPED) == []


def test_list_owned_leaves_out_what_is_repeated_voiceless_or_too_many(acme, http, monkeypatch, twilio):
    for most, is_cut_off in ((2, True), (3, False)):
        monkeypatch.setattr(numbers_inventory, "MOST", most)
        inventory = numbers_inventory.list_owned(acme, http, TWILIO)
        assert (len(inventory.rows), inventory.is_cut_off) == (most, is_cut_off)

    twilio.numbers[FIRST].capabilities = {"voice": False, "sms": True}
    assert FIRST not in states(numbers_inventory.list_owned(acme, http, TWILIO))

    def twice(*_):
        yield from (
            ProviderNumber(FIRST, label="Fi\x07rst"),
            ProviderNumber(SECOND),
            ProviderNumber(FIRST, label="Again"),
        )

    monkeypatch.setattr(type(TWILIO), "numbers", twice)
    rows = numbers_inventory.list_owned(acme, http, TWILIO).rows
    assert [(row.number.phone_number, row.number.label) for row in rows] == [(FIRST, "First"), (SECOND, None)]


def test_list_owned_many_numbers_take_few_queries(acme, globex, twilio, http, engine):
    listed = [f"+1416{5550000 + n}" for n in range(600)]
    for number in listed:
        twilio.add(number)
    with acme.transaction():
        acme.session.add_all(_row(acme, number) for number in listed[:100])
        acme.session.add_all(_row(globex, number) for number in listed[100:300])
    with statements(engine) as few:
        inventory = numbers_inventory.list_owned(acme, http, TWILIO)
    assert len(inventory.rows) == 603
    assert [inventory.count(state) for state in Claim] == [100, 303, 200]
    assert len(few) < 25, "with the proof of the connection"


def _row(scope, number):
    return Endpoint(organization_id=scope.organization.id, phone_number=number, provider="twilio")


FAULTS = [
    (Trouble.RATE_LIMITED, "PROVIDER_REFUSED", Outcome.RATE_LIMITED),
    (Trouble.FAULT, "PROVIDER_REFUSED", Outcome.UNEXPECTED_ANSWER),
    (Trouble.HTML, "PROVIDER_REFUSED", Outcome.UNEXPECTED_ANSWER),
    (Trouble.REFUSED_IN_HTML, "PROVIDER_REFUSED", Outcome.UNEXPECTED_ANSWER),
    (Trouble.ODD, "PROVIDER_REFUSED", Outcome.UNEXPECTED_ANSWER),
    (Trouble.SLOW, "PROVIDER_UNREACHABLE", Outcome.UNREACHABLE),
]


@pytest.mark.usefixtures("http")
def test_list_owned_failure_has_its_code_and_repeats_nothing(acme, twilio, subtests):
    for trouble, code, outcome in FAULTS:
        with subtests.test(trouble=trouble):
            twilio.trouble = trouble
            with pytest.raises(ProviderCallFailed) as refused:
                numbers_inventory.list_owned(acme, Outbound(twilio.upstreams, deadline=0.5), TWILIO)
            assert (refused.value.code, refused.value.result.code) == (code, outcome)
            assert twilio.values["auth_token"] not in refused.value.message
            assert CANARY not in refused.value.message


def test_list_owned_without_values_sends_no_request(acme, twilio, monkeypatch):
    http = Outbound(twilio.upstreams, deadline=2.0)
    with pytest.raises(Conflict) as refused:
        numbers_inventory.list_owned(acme, http, TWILIO)
    assert refused.value.code == "PROVIDER_NOT_CONFIGURED"
    monkeypatch.delattr(type(TWILIO), "numbers")
    with pytest.raises(Conflict) as refused:
        numbers_inventory.list_owned(acme, http, TWILIO)
    assert refused.value.code == "CANNOT_LIST_NUMBERS"
    assert twilio.requests == []


def test_list_owned_has_one_deadline_and_is_rate_limited(acme, twilio, http, monkeypatch):
    monkeypatch.setattr(gateway, "LIST", replace(gateway.LIST, most=3, seconds=0.0))
    with pytest.raises(ProviderCallFailed) as refused:
        numbers_inventory.list_owned(acme, http, TWILIO)
    assert refused.value.code == "PROVIDER_UNREACHABLE"
    assert twilio.requests == []
    monkeypatch.setattr(gateway, "LIST", replace(gateway.LIST, seconds=60))
    for _ in range(2):
        numbers_inventory.list_owned(acme, http, TWILIO)
    with pytest.raises(TooMany):
        numbers_inventory.list_owned(acme, http, TWILIO)
