"""The callback of a provider's application, against the Sinch simulator."""

from __future__ import annotations

import re
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
    digest = digest or application.observe(scope, http, SINCH).digest
    return application.point(scope, http, SINCH, text, digest=digest)


def _pointed(scope):
    """The audit events, and the stored URL."""
    events = scope.session.scalars(scope.select(AuditEvent).where(AuditEvent.action == "provider.pointed"))
    return [event.changes for event in events], store.load(scope, SINCH).callback_url


def test_point_sets_and_audits_the_url_and_look_says_how_it_differs(stored, sinch, http):
    was, before = sinch.urls["primary"], store.load(stored, SINCH)
    observed = application.observe(stored, http, SINCH)
    assert (observed.now.primary, observed.now.numbers) == (was, ("+12025550101", "+12025550102"))
    assert observed.reason is Reason.NOTHING_EXPECTED
    after = _point(stored, http, f" {URL} ", observed.digest)
    assert after is not None
    assert (after.now.primary, after.reason) == (URL, None)
    assert sinch.urls == {"primary": URL}
    assert _pointed(stored) == ([{"callback_url": [was, URL]}], URL)
    assert store.load(stored, SINCH).version == before.version

    wrong = []
    for there, reason in (
        (URL, None),
        (URL.replace("dialer.example", "DIALER.example"), None),
        ("https://other.example/", Reason.DIFFERENT_URL),
        (None, Reason.NO_WEBHOOK),
    ):
        sinch.urls = {"primary": there} if there else {}
        if (observed_reason := application.observe(stored, http, SINCH).reason) is not reason:
            wrong.append((there, observed_reason))
    assert wrong == []


def test_point_queues_checks_of_assigned_numbers_and_holds_no_transaction(
    stored, cast, sinch, http, monkeypatch
):
    payload = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+12025550101"}
    assignments.assign(stored, payload)
    queued: list[str] = []
    open_meanwhile = []
    answer = sinch.answer

    def watched(request: Request) -> Reply:
        open_meanwhile.append(stored.session.in_transaction())
        return answer(request)

    monkeypatch.setattr(sinch, "answer", watched)
    _point(replace(stored, queue_drift_check=queued.append), http)
    assert len(open_meanwhile) > 6
    assert not any(open_meanwhile)
    (check,) = stored.session.scalars(stored.select(DriftCheck))
    assert (check.provider, check.phone_number, check.due) == ("sinch", "+12025550101", True)
    assert queued == [stored.organization.id]


def test_point_after_a_change_raises_stale(stored, sinch, http):
    observed = application.observe(stored, http, SINCH)
    changes = [{"primary": "https://other.example/"}, sinch.urls | {"fallback": "https://other.example/"}]
    for urls in changes:
        sinch.urls = urls
        with pytest.raises(Stale) as stale:
            _point(stored, http, digest=observed.digest)
        assert stale.value.current.now.primary == urls["primary"]
    sinch.owned.append({"number": "+12025550109", "applicationkey": KEY, "capability": "voice"})
    with pytest.raises(Stale):
        _point(stored, http, digest=stale.value.current.digest)
    assert sinch.writes == []
    assert _pointed(stored) == ([], None)


def test_look_needs_values_and_a_turn_and_an_invalid_url_sends_no_request(acme, sinch, http, monkeypatch):
    with pytest.raises(Conflict) as refused:
        application.observe(acme, http, SINCH)
    assert refused.value.code == gateway.NOT_CONFIGURED
    assert sinch.requests == []
    credentials.save(acme, SINCH, sinch.values)
    monkeypatch.setattr(gateway, "CALLBACK", replace(gateway.CALLBACK, most=2))
    application.observe(acme, http, SINCH)
    application.observe(acme, http, SINCH)
    with pytest.raises(TooMany):
        application.observe(acme, http, SINCH)

    sinch.requests.clear()
    for call in (application.plan, _plain_point):
        with pytest.raises(Invalid) as invalid:
            call(acme, http, SINCH, "http://127.0.0.1/")
        assert [problem.field for problem in invalid.value.problems] == ["url"]
    assert sinch.requests == []
    for key in ("twilio", "unknown"):
        with pytest.raises(NotFound):
            application.provider_of(key)


def _plain_point(scope, http, provider, text):
    return application.point(scope, http, provider, text, digest="x")


def test_point_refused_or_without_a_response_stores_what_is_there(stored, sinch, http):
    sinch.instead["POST", CALLBACKS] = error(403, 40300)
    for there in ("https://other.example/", URL):
        sinch.urls = {"primary": there}
        observed = application.observe(stored, http, SINCH)
        with pytest.raises(ProviderCallFailed, match=messages.CALLBACK_NOT_SET) as refused:
            _point(stored, http, digest=observed.digest)
        assert refused.value.code == "PROVIDER_REFUSED"
        assert _pointed(stored) == ([], None)

    sinch.instead.clear()
    sinch.requests.clear()
    sinch.urls = {"primary": "https://other.example/"}
    answer, is_set = sinch.answer, False

    def lost(request: Request) -> Reply:
        if request.method == "POST":
            if is_set:
                answer(request)
            raise ConnectionResetError
        return answer(request)

    observed = application.observe(stored, http, SINCH)
    sinch.answer = lost
    with pytest.raises(ProviderCallFailed, match=messages.CALLBACK_NOT_SET):
        _point(stored, http, digest=observed.digest)
    assert _pointed(stored) == ([], None)
    assert len(sinch.writes) == 1

    is_set = True
    assert _point(stored, http, digest=observed.digest) is not None
    assert _pointed(stored)[1] == URL


def test_point_unrecorded_or_not_read_again_claims_nothing(stored, sinch, http, monkeypatch):
    """If it is not recorded, the URL is set by then, and the error says so."""
    observed = application.observe(stored, http, SINCH)

    def fail(*_arguments: object) -> None:
        raise OperationalError("UPDATE", {}, Exception())

    with monkeypatch.context() as patch:
        patch.setattr(log, "record", fail)
        with pytest.raises(Unavailable, match=re.escape(messages.callback_not_recorded("Sinch"))):
            _point(stored, http, digest=observed.digest)
    assert sinch.urls["primary"] == URL
    assert _pointed(stored) == ([], None)

    sinch.urls = {"primary": "https://other.example/"}
    observed = application.observe(stored, http, SINCH)
    answer, before = sinch.answer, sinch.urls
    is_lost = True

    def away(request: Request) -> Reply:
        replied = answer(request)
        if request.method == "POST":
            sinch.trouble = Trouble.HTML
            if is_lost:
                raise ConnectionResetError
        return replied

    sinch.answer = away
    with pytest.raises(ProviderCallFailed, match=re.escape(messages.CALLBACK_UNKNOWN)):
        _point(stored, http, digest=observed.digest)
    assert _pointed(stored) == ([], None)

    is_lost, sinch.trouble, sinch.urls = False, None, before
    assert _point(stored, http, digest=observed.digest) is None
    assert _pointed(stored)[1] == URL
