"""The callback of a provider's application, against a Sinch on this machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError

from app.core.errors import Conflict, Invalid, NotFound, Stale, TooMany, Unavailable
from app.core.outbound.client import Outbound
from app.models import AuditEvent, DriftCheck
from app.provider.numbers import Reason
from app.providers import PROVIDERS
from app.services.audit import log
from app.services.connections import gateway, store
from app.services.connections.gateway import ProviderCallFailed
from app.services.numbers import assignments
from app.services.providers import credentials
from app.services.webhooks import application, messages
from simulators.base import Reply, Request, Trouble
from simulators.sinch import CALLBACKS, KEY, Sinch, error

SINCH = PROVIDERS["sinch"]
URL = "https://dialer.example.com/sinch/callback?tenant=acme"


@pytest.fixture
def sinch():
    with Sinch() as upstream:
        yield upstream


@pytest.fixture
def http(sinch):
    return Outbound(sinch.upstreams, deadline=2.0)


@pytest.fixture
def stored(acme, sinch):
    credentials.save(acme, SINCH, sinch.values)
    return acme


def _point(scope, http, text=URL, digest=None):
    digest = digest or application.look(scope, http, SINCH).digest
    return application.point(scope, http, SINCH, text, digest=digest)


def _pointed(scope):
    """The audit's events of it, and what is stored."""
    events = scope.session.scalars(scope.select(AuditEvent).where(AuditEvent.action == "provider.pointed"))
    return [event.changes for event in events], store.load(scope, SINCH).callback_url


def test_it_is_set_read_again_stored_and_audited(stored, sinch, http):
    was, before = sinch.urls["primary"], store.load(stored, SINCH)
    seen = application.look(stored, http, SINCH)
    assert (seen.now.primary, seen.now.numbers) == (was, ("+12025550101", "+12025550102"))
    assert seen.reason is Reason.NOTHING_EXPECTED
    after = _point(stored, http, f" {URL} ", seen.digest)
    assert after is not None
    assert (after.now.primary, after.reason) == (URL, None)
    assert sinch.urls == {"primary": URL}
    assert _pointed(stored) == ([{"callback_url": [was, URL]}], URL)
    assert store.load(stored, SINCH).version == before.version


def test_numbers_that_people_have_are_looked_at_again(stored, cast, http):
    given = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+12025550101"}
    assignments.assign(stored, given)
    asked: list[str] = []
    _point(replace(stored, queue_drift_check=asked.append), http)
    (check,) = stored.session.scalars(stored.select(DriftCheck))
    assert (check.provider, check.phone_number, check.due) == ("sinch", "+12025550101", True)
    assert asked == [stored.organization.id]


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (URL, None),
        (URL.replace("dialer.example", "DIALER.example"), None),
        ("https://other.example/", Reason.DIFFERENT_URL),
        (None, Reason.NO_WEBHOOK),
    ],
)
def test_what_differs_is_named(stored, sinch, http, there, reason):
    _point(stored, http)
    sinch.urls = {"primary": there} if there else {}
    assert application.look(stored, http, SINCH).reason is reason


def test_what_changed_meanwhile_is_not_overwritten(stored, sinch, http):
    seen = application.look(stored, http, SINCH)
    changes = [{"primary": "https://other.example/"}, sinch.urls | {"fallback": "https://other.example/"}]
    for urls in changes:
        sinch.urls = urls
        with pytest.raises(Stale) as stale:
            _point(stored, http, digest=seen.digest)
        assert stale.value.current.now.primary == urls["primary"]
    sinch.owned.append({"number": "+12025550109", "applicationkey": KEY, "capability": "voice"})
    with pytest.raises(Stale):
        _point(stored, http, digest=stale.value.current.digest)
    assert sinch.writes == []
    assert _pointed(stored) == ([], None)


def test_an_address_that_cannot_be_called_is_not_asked_about(stored, sinch, http):
    for call in (application.plan, _plain_point):
        with pytest.raises(Invalid) as refused:
            call(stored, http, SINCH, "http://127.0.0.1/")
        assert [problem.field for problem in refused.value.problems] == ["url"]
    assert sinch.requests == []


def _plain_point(scope, http, provider, text):
    return application.point(scope, http, provider, text, digest="x")


@pytest.mark.parametrize("there", ["https://other.example/", URL])
def test_a_refusal_stores_nothing(stored, sinch, http, there):
    sinch.urls = {"primary": there}
    seen = application.look(stored, http, SINCH)
    sinch.instead["POST", CALLBACKS] = error(403, 40300)
    with pytest.raises(ProviderCallFailed, match=messages.CALLBACK_NOT_SET) as refused:
        _point(stored, http, digest=seen.digest)
    assert refused.value.code == "PROVIDER_REFUSED"
    assert _pointed(stored) == ([], None)


@pytest.mark.parametrize("is_set", [True, False])
def test_where_the_answer_is_lost_what_is_there_afterwards_tells(stored, sinch, http, monkeypatch, is_set):
    seen = application.look(stored, http, SINCH)
    answer = sinch.answer

    def lost(asked: Request) -> Reply:
        if asked.method == "POST":
            if is_set:
                answer(asked)
            raise ConnectionResetError
        return answer(asked)

    monkeypatch.setattr(sinch, "answer", lost)
    if is_set:
        assert _point(stored, http, digest=seen.digest) is not None
        assert _pointed(stored)[1] == URL
        return
    with pytest.raises(ProviderCallFailed, match=messages.CALLBACK_NOT_SET):
        _point(stored, http, digest=seen.digest)
    assert _pointed(stored) == ([], None)
    assert len(sinch.writes) == 1


@pytest.mark.parametrize("is_lost", [True, False])
def test_where_nothing_is_heard_afterwards_nothing_is_claimed(stored, sinch, http, monkeypatch, is_lost):
    seen = application.look(stored, http, SINCH)
    answer = sinch.answer

    def away(asked: Request) -> Reply:
        replied = answer(asked)
        if asked.method == "POST":
            sinch.trouble = Trouble.HTML
            if is_lost:
                raise ConnectionResetError
        return replied

    monkeypatch.setattr(sinch, "answer", away)
    if is_lost:
        with pytest.raises(ProviderCallFailed, match="It is not known whether"):
            _point(stored, http, digest=seen.digest)
        assert _pointed(stored) == ([], None)
    else:
        assert _point(stored, http, digest=seen.digest) is None
        assert _pointed(stored)[1] == URL


def test_an_outage_is_a_conflict(stored):
    away = Outbound({"callingapi.sinch.com": "http://127.0.0.1:9"}, deadline=2.0)
    with pytest.raises(ProviderCallFailed) as refused:
        application.look(stored, away, SINCH)
    assert refused.value.code == "PROVIDER_UNREACHABLE"


def test_where_it_cannot_be_written_down_that_is_said(stored, sinch, http, monkeypatch):
    """The address is set by then: whoever set it is told so."""
    seen = application.look(stored, http, SINCH)

    def fail(*_arguments: object) -> None:
        raise OperationalError("UPDATE", {}, Exception())

    monkeypatch.setattr(log, "record", fail)
    with pytest.raises(Unavailable, match="could not record it"):
        _point(stored, http, digest=seen.digest)
    assert sinch.urls["primary"] == URL
    assert _pointed(stored) == ([], None)


def test_no_transaction_is_open_while_the_provider_is_asked(stored, sinch, http, monkeypatch):
    seen = application.look(stored, http, SINCH)
    open_while_asked = []
    answer = sinch.answer

    def watched(asked: Request) -> Reply:
        open_while_asked.append(stored.session.in_transaction())
        return answer(asked)

    monkeypatch.setattr(sinch, "answer", watched)
    _point(stored, http, digest=seen.digest)
    assert set(open_while_asked) == {False}
    assert len(open_while_asked) == 6


def test_values_that_are_missing_and_tries_that_are_too_many(acme, sinch, http, monkeypatch):
    with pytest.raises(Conflict, match="It needs Application key, Application secret"):
        application.look(acme, http, SINCH)
    assert sinch.requests == []
    credentials.save(acme, SINCH, sinch.values)
    monkeypatch.setattr(gateway, "CALLBACK", replace(gateway.CALLBACK, most=2))
    application.look(acme, http, SINCH)
    application.look(acme, http, SINCH)
    with pytest.raises(TooMany):
        application.look(acme, http, SINCH)


def test_another_provider_has_none():
    assert application.provider_of("sinch") is SINCH
    for key in ("twilio", "unknown"):
        with pytest.raises(NotFound):
            application.provider_of(key)
