"""Testing a connection, against a provider on this machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete

from app.core.errors import Conflict, Invalid, TooMany
from app.core.outbound.client import Outbound
from app.models import AuditEvent, Check
from app.provider import Outcome
from app.providers import PROVIDERS
from app.services.connections import gateway, messages, proof, store, verification
from app.services.providers import credentials, history
from simulators.base import Reply, Trouble
from simulators.exotel import Exotel
from simulators.vobiz import Vobiz
from tests.support.accounts import connect

VOBIZ, EXOTEL = PROVIDERS["vobiz"], PROVIDERS["exotel"]


@pytest.fixture
def vobiz():
    with Vobiz() as upstream:
        yield upstream


@pytest.fixture
def http(vobiz):
    return Outbound(vobiz.upstreams, deadline=2.0)


def _checks(scope):
    return list(scope.session.scalars(scope.select(Check)))


def test_verify_saves_the_result_for_the_stored_values_alone(acme, vobiz, http):
    assert verification.verify(acme, http, VOBIZ, {}).result.code == Outcome.NOT_CONFIGURED
    assert vobiz.requests == []
    assert acme.session.scalars(acme.select(AuditEvent)).all() == [], "nothing was tested"

    connect(acme, "vobiz", vobiz.values)
    before = store.load(acme, VOBIZ)
    tested = verification.verify(acme, http, VOBIZ, {"vobiz_auth_token": "sample-and-wrong"})
    assert tested.result.code == Outcome.BAD_CREDENTIALS
    assert store.load(acme, VOBIZ) == before
    assert _checks(acme) == []

    tested = verification.verify(acme, http, VOBIZ, {})
    assert (tested.result.ok, tested.result.code) == (True, Outcome.OK)
    last = proof.last(acme, VOBIZ)
    assert last is not None
    assert (last.ok, last.code, last.actor_name) == (True, "ok", acme.actor.name)
    verification.verify(acme, http, VOBIZ, {})
    assert len(_checks(acme)) == 1

    connect(acme, "vobiz", vobiz.values)
    verification.verify(acme, http, VOBIZ, {"vobiz_auth_token": vobiz.values["auth_token"]})
    assert [check.ok for check in _checks(acme)] == [True]


def _known(scope):
    return {key: check.ok for key, check in proof.last_of_all(scope).items()}


def test_last_result_is_of_the_tested_values_and_outlasts_an_outage(acme, vobiz, http):
    connect(acme, "vobiz", vobiz.values)
    verification.verify(acme, http, VOBIZ, {})
    credentials.save(acme, VOBIZ, {}, enabled=False)
    credentials.save(acme, VOBIZ, {}, enabled=True)
    assert _known(acme) == {"vobiz": True}
    credentials.save(acme, VOBIZ, {"auth_token": "sample-and-newer"})
    assert proof.last(acme, VOBIZ) is None
    assert _known(acme) == {}
    verification.verify(acme, http, VOBIZ, {})
    assert _known(acme) == {"vobiz": False}
    connect(acme, "vobiz", vobiz.values)
    assert _known(acme) == {}

    for trouble in [Trouble.FAULT, Trouble.HTML, Trouble.RATE_LIMITED]:
        acme.session.execute(delete(Check))
        acme.session.commit()
        vobiz.trouble = None
        connect(acme, "vobiz", vobiz.values)
        vobiz.trouble = trouble
        assert not verification.verify(acme, http, VOBIZ, {}).is_conclusive
        assert _checks(acme) == []
        vobiz.trouble = None
        verification.verify(acme, http, VOBIZ, {})
        vobiz.trouble = trouble
        verification.verify(acme, http, VOBIZ, {})
        assert [check.code for check in _checks(acme)] == ["ok"]
        assert _known(acme) == {"vobiz": True}

    away = Outbound({"api.vobiz.ai": "http://127.0.0.1:9"}, deadline=2.0)
    tested = verification.verify(acme, away, VOBIZ, {})
    assert (tested.result.ok, tested.result.code) == (False, Outcome.UNREACHABLE)


def test_verify_needs_a_test_and_sends_a_stored_secret_to_no_other_host(acme, http, monkeypatch):
    monkeypatch.delattr(type(VOBIZ), "verify")
    with pytest.raises(Conflict) as refused:
        verification.verify(acme, http, VOBIZ, {})
    assert refused.value.message == messages.cannot_verify(VOBIZ.label)

    with Exotel() as upstream:
        connect(acme, "exotel", upstream.values)
        http = Outbound(upstream.upstreams, deadline=2.0)
        with pytest.raises(Invalid) as incomplete:
            verification.verify(acme, http, EXOTEL, {"exotel_api_base": "https://api.in.exotel.com"})
        assert {problem.field for problem in incomplete.value.problems} == {
            "exotel_api_key",
            "exotel_api_token",
        }
        assert upstream.requests == []


def test_verify_is_limited_and_audited_with_the_status_of_a_refusal(acme, vobiz, http, monkeypatch):
    connect(acme, "vobiz", vobiz.values)
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "VERIFY", replace(gateway.VERIFY, most=2))
        for _ in range(2):
            verification.verify(acme, http, VOBIZ, {})
        with pytest.raises(TooMany):
            verification.verify(acme, http, VOBIZ, {})
    events = acme.session.scalars(acme.select(AuditEvent).where(AuditEvent.action == "connection.tested"))
    assert [event.changes for event in events] == [{"result": [None, "ok"]}] * 2

    verification.verify(acme, http, VOBIZ, {"vobiz_auth_token": "sample-and-wrong"})
    verification.verify(acme, http, VOBIZ, {})
    tested = [change.words for change in history.changes(acme, VOBIZ) if "tested" in change.words]
    accepted, refused = "Provider tested: accepted", "Provider tested: refused, 401"
    assert tested == [accepted, refused, accepted, accepted]

    vobiz.instead = {("GET", "/numbers"): Reply(403, {"error": "forbidden"})}
    verification.verify(acme, http, VOBIZ, {})
    last = next(change.words for change in history.changes(acme, VOBIZ))
    assert last == "Provider tested: refused: no permission, 403", "of one list"
