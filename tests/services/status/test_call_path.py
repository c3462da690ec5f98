"""Who answers a number: each hop in each of its states, and the first thing that is wrong."""

from __future__ import annotations

import pytest

from app.core.errors import Invalid, TooMany
from app.core.outbound.client import Outbound
from app.models import Check, Endpoint, VoicePhoneNumber
from app.provider import Family
from app.provider.numbers import ProviderNumber, Reason
from app.providers import PROVIDERS
from app.services.connections import store
from app.services.drift import probe, queue
from app.services.drift.verdicts import ProbeResult
from app.services.endpoints import crud, readiness
from app.services.numbers import assignments
from app.services.organizations import directory
from app.services.providers import active, credentials
from app.services.status import call_path
from app.services.status.places import Place
from simulators.base import Trouble
from simulators.twilio import Twilio
from tests.support.scopes import NOBODY, statements

TWILIO, SINCH = PROVIDERS["twilio"], PROVIDERS["sinch"]
BASE = "https://voice.example.com"
NUMBER = "+15551234567"
URL = f"{BASE}/telephony/twilio/inbound/support"
OLD = "https://old.example/x"


@pytest.fixture
def twilio():
    with Twilio() as upstream:
        yield upstream


@pytest.fixture
def http(twilio):
    return Outbound(twilio.upstreams, deadline=2.0)


@pytest.fixture
def live(acme, twilio):
    """Everything works on our side; Twilio was tested, and never asked about the number."""
    directory.update(acme, NOBODY, {"public_base_url": BASE, "country": "US"})
    known = {field.name for field in TWILIO.typed_fields}
    credentials.save(acme, TWILIO, {n: v for n, v in twilio.values.items() if n in known})
    active.make_active(acme, Family.TELEPHONY, "twilio")
    sent = {"phone_number": NUMBER, "provider": "twilio", "label": "Front desk"}
    crud.create(acme, sent | {"inbound_agent_name": "support", "outbound_agent_name": "sales"})
    _tested(acme)
    return acme


def _tested(scope, code="ok", *, ok=True):
    version = store.load(scope, TWILIO).version
    with scope.transaction():
        for check in scope.session.scalars(scope.select(Check)):
            scope.session.delete(check)
        scope.session.flush()
        own = {"organization_id": scope.organization.id, "provider": "twilio", "actor_name": "dana"}
        scope.session.add(Check(**own, ok=ok, code=code, reason="Look there.", connection_version=version))


def _seen(scope, sight):
    with scope.transaction():
        queue.save_results(scope, "twilio", {NUMBER: sight})


def _edit(scope, **values):
    row = readiness.by_number(scope, NUMBER)
    assert row
    crud.update(scope, row.id, values)


def _unknown_provider(scope):
    with scope.transaction():
        scope.session.scalar(scope.select(Endpoint)).provider = "acme"


IN_SYNC = ProbeResult(ProviderNumber(NUMBER, webhook_url=URL, method="POST"))


@pytest.mark.parametrize(
    "typed", [NUMBER, "555-123-4567", "(555) 123 4567", " 15551234567", "+1.555.123.4567"]
)
def test_a_number_is_found_in_any_spelling(live, typed):
    assert call_path.find(live, typed).number == NUMBER


@pytest.mark.parametrize("typed", ["", "12", "nobody", "+1555123456789012345"])
def test_what_is_no_number_is_refused(live, typed):
    with pytest.raises(Invalid) as refused:
        call_path.find(live, typed)
    assert [problem.field for problem in refused.value.problems] == ["phone_number"]


def test_the_whole_path_of_a_number_that_is_answered(live):
    _seen(live, IN_SYNC)
    path = call_path.find(live, NUMBER).paths["inbound"]
    assert [(hop.key, hop.tone, hop.text) for hop in path.hops] == [
        ("number", "ok", NUMBER),
        ("endpoint", "ok", "Front desk"),
        ("provider", "ok", "Twilio"),
        ("agent", "ok", "support"),
        ("url", "ok", URL),
        ("at_provider", "ok", URL),
    ]
    assert (path.ready, path.problem) == (True, None)
    assert path.hop("provider").note == "active for agent calls"
    assert path.hop("provider").at
    assert path.hop("at_provider").at


def test_the_path_of_a_call_out_ends_at_the_runtime(live):
    path = call_path.find(live, NUMBER).paths["outbound"]
    assert [hop.key for hop in path.hops] == ["number", "endpoint", "provider", "agent", "url"]
    assert (path.agent, path.hop("agent").text, path.hop("url").text) == ("sales", "sales", BASE)
    assert path.problem is None


BROKEN = [
    (
        lambda scope: _edit(scope, is_active=False),
        "endpoint",
        "idle",
        "Inactive",
        Place.EDIT_ENDPOINT,
        "switched off",
    ),
    (_unknown_provider, "provider", "bad", "Unknown", Place.ENDPOINT, "no provider acme"),
    (
        lambda scope: connections_clear(scope, "auth_token"),
        "provider",
        "warn",
        "Not connected",
        Place.PROVIDER,
        "It needs Auth token.",
    ),
    (
        lambda scope: credentials.save(scope, TWILIO, {}, enabled=False),
        "provider",
        "warn",
        "Disabled",
        Place.PROVIDER,
        "Twilio is disabled.",
    ),
    (
        lambda scope: _tested(scope, "x", ok=False),
        "provider",
        "bad",
        "Does not work",
        Place.PROVIDER,
        "Look there.",
    ),
    (
        lambda scope: credentials.save(scope, TWILIO, {"max_concurrent": 2}),
        "provider",
        "idle",
        "Stored, not tested",
        Place.PROVIDER,
        "not tested",
    ),
    (
        lambda scope: _edit(scope, inbound_agent_name=None, outbound_agent_name=None),
        "agent",
        "idle",
        "No agent",
        Place.EDIT_ENDPOINT,
        "No agent answers",
    ),
    (
        lambda scope: directory.update(scope, NOBODY, {"public_base_url": None}),
        "url",
        "warn",
        "No base URL",
        Place.SETTINGS,
        "no public base URL",
    ),
    (lambda _scope: None, "at_provider", "idle", "Not checked", Place.AT_PROVIDER, "not asked yet"),
    (
        lambda scope: _seen(scope, ProbeResult(ProviderNumber(NUMBER, webhook_url=OLD, method="POST"))),
        "at_provider",
        "bad",
        "Drifted",
        Place.AT_PROVIDER,
        "calls another address",
    ),
    (
        lambda scope: _seen(scope, ProbeResult()),
        "at_provider",
        "bad",
        "Drifted",
        Place.AT_PROVIDER,
        "does not have this number",
    ),
    (
        lambda scope: _seen(scope, ProbeResult(trouble=Reason.NOT_SHOWN)),
        "at_provider",
        "idle",
        "Cannot be seen",
        Place.AT_PROVIDER,
        "does not tell",
    ),
]


def connections_clear(scope, name):
    with scope.transaction():
        store.apply(scope, TWILIO, {name: None})


@pytest.mark.parametrize(("break_it", "key", "expected", "said"), [(b, k, e, s) for b, k, *e, s in BROKEN])
def test_the_first_thing_that_is_wrong_is_named_with_its_place(live, break_it, key, expected, said):
    if key != "at_provider":
        _seen(live, IN_SYNC)
    break_it(live)
    path = call_path.find(live, NUMBER).paths["inbound"]
    assert path.problem is path.hop(key)
    assert [path.problem.tone, path.problem.word, path.problem.place] == expected
    assert said in path.problem.problem


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_the_reason_is_the_api_s_in_every_state(live, direction):
    """And what blocks is what is named first, also where more is wrong."""

    def agree():
        path = call_path.find(live, NUMBER).paths[direction]
        answer = readiness.resolve(live, NUMBER, direction)
        assert (path.ready, path.blocked_reason) == (answer["ready"], answer["blocked_reason"])
        if path.blocked_reason and not path.only_calls_out:
            assert path.problem is path.hop(call_path.BLOCKED_AT[path.blocked_reason])
        return path.blocked_reason

    seen = [agree()]
    credentials.save(live, TWILIO, {}, enabled=False)
    seen.append(agree())
    connections_clear(live, "auth_token")
    seen.append(agree())
    _unknown_provider(live)
    seen.append(agree())
    directory.update(live, NOBODY, {"public_base_url": None})
    seen.append(agree())
    _edit(live, **{f"{direction}_agent_name": None})
    seen.append(agree())
    _edit(live, is_active=False)
    seen.append(agree())
    assert seen == [
        None,
        "provider_disabled",
        "provider_not_configured",
        "provider_unknown",
        "no_public_base_url",
        f"no_{direction}_agent",
        "endpoint_inactive",
    ]


def test_a_partly_tested_connection_is_no_problem(live):
    _seen(live, IN_SYNC)
    _tested(live, "not_proven")
    path = call_path.find(live, NUMBER).paths["inbound"]
    hop = path.hop("provider")
    assert (hop.tone, hop.word, path.problem) == ("warn", "Partly tested", None)


def test_a_number_that_only_calls_out_is_no_problem(live):
    _edit(live, inbound_agent_name=None)
    path = call_path.find(live, NUMBER).paths["inbound"]
    hop = path.hop("agent")
    assert (hop.tone, hop.word, path.problem, path.only_calls_out) == ("idle", "Only calls out", None, True)
    assert not call_path.find(live, NUMBER).paths["outbound"].only_calls_out


def test_asked_now_the_provider_s_answer_is_in_the_path(live, twilio, http):
    twilio.numbers[NUMBER].voice_url = OLD
    path = call_path.find(live, NUMBER, http=http).paths["inbound"]
    hop = path.hop("at_provider")
    assert (path.problem, hop.word, hop.text) == (hop, "Drifted", OLD)
    twilio.numbers[NUMBER].voice_url = URL
    path = call_path.find(live, NUMBER, http=http).paths["inbound"]
    assert (path.problem, path.hop("at_provider").word) == (None, "In sync")


def test_without_an_answer_it_is_not_known(live, twilio, http):
    _seen(live, IN_SYNC)
    twilio.trouble = Trouble.FAULT
    path = call_path.find(live, NUMBER, http=http).paths["inbound"]
    hop = path.hop("at_provider")
    assert (path.problem, hop.tone, hop.word) == (hop, "warn", "No answer")
    assert "trouble of its own" in hop.problem


def test_asking_too_often_is_refused(live, http, monkeypatch):
    monkeypatch.setattr(probe, "MOST_LOOKS", 1)
    call_path.find(live, NUMBER, http=http)
    with pytest.raises(TooMany):
        call_path.find(live, NUMBER, http=http)


def test_a_number_that_nobody_has(live, globex):
    answer = call_path.find(live, "+15557654321")
    assert (answer.is_known, answer.is_elsewhere, answer.paths) == (False, False, {})
    there = call_path.find(globex, NUMBER)
    assert (there.is_known, there.is_elsewhere) == (False, True)


def test_whose_account_has_it_is_asked(live, twilio, http):
    twilio.add("+15557654321")
    found = call_path.owners(live, http, "+15557654321")
    assert ([one.key for one in found.providers], found.silent) == (["twilio"], [])
    assert call_path.owners(live, http, "+15550000000").providers == []
    twilio.trouble = Trouble.FAULT
    found = call_path.owners(live, http, "+15557654321")
    assert (found.providers, [one.key for one in found.silent]) == ([], ["twilio"])


def test_only_what_is_connected_is_asked(live, twilio, http):
    credentials.save(live, TWILIO, {}, enabled=False)
    before = len(twilio.requests)
    assert call_path.owners(live, http, NUMBER).providers == []
    assert len(twilio.requests) == before


def test_people_who_have_it_in_their_dialer(live, cast):
    values = {"application_key": "made-up-key", "application_secret": "made-up-secret-of-sinch"}
    credentials.save(live, SINCH, values)
    number = "+15557654321"
    assignments.assign(live, {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": number})
    (dialer,) = call_path.find(live, number).dialers
    assert (dialer.user.name, dialer.number.is_default, dialer.is_live) == ("Mo", True, False)
    assert dialer.check is None
    active.make_active(live, Family.VOICE, "sinch")
    with live.transaction():
        store.row_for(live, SINCH).callback_url = "https://calls.example.com/sinch"
        queue.mark_due(live)
        queue.save_results(live, "sinch", {number: ProbeResult(ProviderNumber(number, webhook_url=OLD))})
        live.session.scalar(live.select(VoicePhoneNumber)).ai_enabled = True
    answer = call_path.find(live, number)
    (dialer,) = answer.dialers
    assert answer.is_known
    assert dialer.is_live
    assert dialer.check
    assert dialer.check.in_sync is False


def test_no_transaction_is_open_while_providers_are_asked(live, http, monkeypatch):
    open_meanwhile = []
    send = Outbound.send

    def watch(self, *arguments, **more):
        open_meanwhile.append(live.session.in_transaction())
        return send(self, *arguments, **more)

    monkeypatch.setattr(Outbound, "send", watch)
    call_path.find(live, NUMBER, http=http)
    call_path.owners(live, http, "+15557654321")
    assert len(open_meanwhile) == 2
    assert not any(open_meanwhile)


def test_the_queries_do_not_grow(live, cast, engine):
    with statements(engine) as few:
        call_path.find(live, NUMBER)
    for place in range(10):
        crud.create(live, {"phone_number": f"+155512350{place:02}", "provider": "twilio"})
    for user in (cast.dana, cast.mo):
        sent = {"userId": user.id, "provider": "sinch", "phoneNumber": NUMBER}
        assignments.assign(live, sent)
    with statements(engine) as many:
        assert len(call_path.find(live, NUMBER).dialers) == 2
    assert len(many) == len(few)
