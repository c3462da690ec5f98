"""Webhook tests against real runtimes, good and bad."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from typing import cast as typed

import pytest
from flask import Flask, Response, request
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, VoiceResponse
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core import clock
from app.core.errors import Conflict, NotFound, TooMany
from app.core.outbound import addresses, turns
from app.core.outbound.answer import Answer
from app.core.outbound.client import Outbound
from app.core.outbound.turns import Limits
from app.models import AuditEvent, WebhookTest
from app.provider import CallsWebhooks
from app.provider.webhooks import MARK, MARK_HEADER, Signing
from app.providers import PROVIDERS
from app.providers.vobiz import webhook as vobiz_webhook
from app.services.audit.actions import Action
from app.services.connections.gateway import ProviderBusy
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.providers import credentials
from app.services.webhook_tests import results, runs, verdicts
from app.services.webhook_tests.verdicts import Received
from simulators import SIMULATORS
from tests.support.runtimes import CONNECT, XML, Runtime, Said, wsgi
from tests.support.scopes import OFFLINE

TOKEN = SIMULATORS["twilio"].sample_values["auth_token"]
REFUSED = Said(403, "No.", {"Content-Type": "text/plain"})
HTML = {"Content-Type": "text/html"}


def url_of(agent, key="twilio"):
    return f"https://voice.acme.example/telephony/{key}/inbound/{agent}"


def codes(report):
    return {str(result.name): str(result.verdict) for result in report.results}


def verifying(said, url):
    """A runtime that says this to signed requests, and refuses others."""
    validator = RequestValidator(TOKEN)

    def answer(got):
        signature = got.headers["X-Twilio-Signature"] or ""
        return said if validator.validate(url, got.form, signature) else REFUSED

    return answer


def official(started, url=lambda: request.url, *, token=TOKEN):
    """A runtime of an official library: verifies, starts an agent for each call, and connects it."""
    app = Flask(__name__)

    @app.post("/telephony/twilio/inbound/<agent>")
    def inbound(agent):
        signature = request.headers.get("X-Twilio-Signature", "")
        if not RequestValidator(token).validate(url(), request.form, signature):
            return Response(status=403)
        if not request.form.get(MARK):
            started.append(agent)
        answer = VoiceResponse()
        connect = Connect()
        connect.stream(url="wss://agents.example/live")
        answer.append(connect)
        return Response(str(answer), content_type="text/xml")

    return app


def test_run_starts_no_agent_and_signed_proves_an_official_runtime(acme, endpoint, http):
    """By default a runtime gets one unsigned request, about a call that has ended."""
    row = endpoint()
    started: list[str] = []
    with Runtime(REFUSED) as runtime, wsgi(official(started)) as base:
        report = runs.run(acme, http(runtime.base), row.id)
        assert codes(runs.run(acme, http(base), row.id)) == {"unsigned": "refused"}
    assert started == []
    assert (report.ok, report.code, report.is_proof) == (True, "refused", False)
    (got,) = runtime.got
    assert (got.method, got.path) == ("POST", "/telephony/twilio/inbound/support-agent")
    assert "X-Twilio-Signature" not in got.headers
    assert got.form["CallStatus"] == "completed"
    assert got.form[MARK] == got.headers[MARK_HEADER]
    assert got.headers["Host"] == "voice.acme.example"
    assert TOKEN not in str(got)

    app = official(started)
    app.wsgi_app = ProxyFix(app.wsgi_app)
    with wsgi(app) as base:
        report = runs.run(acme, http(base), row.id, signed=True)
    expected = {"unsigned": "refused", "wrongly_signed": "refused", "signed": "connects"}
    assert codes(report) == expected
    assert (report.ok, report.code, report.is_proof) == (True, "connects", True)
    assert started == []
    last = report.results[-1]
    assert (last.root, tuple(last.verbs)) == ("Response", ("Connect",))


def test_run_says_how_a_runtime_misreads_its_url(acme, endpoint, http):
    """Without the forwarded scheme; with a URL that the framework decoded; with another token."""
    behind = official([])
    behind.wsgi_app = ProxyFix(behind.wsgi_app)
    plain, euro = endpoint(number="+15551234501"), endpoint(agent="kundendienst-€", number="+15551234502")
    cases = [
        (official([]), plain, "https_unseen"),
        (behind, euro, "encoding_misread"),
        (official([]), euro, "https_unseen"),
        (official([], token="another"), euro, "signature_refused"),
        (
            official([], lambda: f"https://voice.acme.example{request.environ['REQUEST_URI']}"),
            euro,
            "connects",
        ),
    ]
    wrong = []
    for app, row, expected in cases:
        with wsgi(app) as base:
            result_codes = codes(runs.run(acme, http(base), row.id, signed=True))
        if result_codes != {"unsigned": "refused", "wrongly_signed": "refused", "signed": expected}:
            wrong.append((expected, result_codes))
    assert wrong == []


UNSIGNED = {
    "open": Said(),
    "refused": Said(body="<Response><Reject/></Response>"),
    "not_refused": Said(body="<Response/>"),
    "not_found": Said(404, ""),
    "wrong_method": Said(405, ""),
    "server_error": Said(500, ""),
    "html": Said(body="<!DOCTYPE html><p>Hi", headers=HTML),
    "redirects": Said(302, "", {"Location": "/elsewhere"}),
    "too_large": Said(body="x" * 70_000),
}
SIGNED = {
    "connects": [
        Said(),
        Said(headers={"Content-Type": "Application/XML; charset=utf-8"}),
        Said(headers=HTML),
    ],
    "rejects": [Said(body="<Response><Reject reason='busy'/></Response>")],
    "does_not_connect": [Said(body="<Response><Say>Sorry</Say></Response>"), Said(body="<Response/>")],
    "bad_stream": [Said(body=CONNECT.replace("wss:", "ws:")), Said(body=CONNECT.replace("live", "?t=1"))],
    "html": [Said(body="<html><p>Hi", headers=HTML), Said(body="<!doctype HTML>", headers=XML)],
    "wrong_content_type": [Said(headers={"Content-Type": "text/plain"}), Said(headers={})],
    "unreadable": [Said(body="Hello"), Said(body=f"<!DOCTYPE Response>{CONNECT}")],
    "other_root": [Said(body="<Answer/>")],
    "empty": [Said(204, "", {}), Said(body=" ")],
    "signature_refused": [Said(401, ""), REFUSED],
    "unexpected_status": [Said(418, "")],
    "rate_limited": [Said(429, "")],
}


def test_run_judges_responses_to_an_unsigned_and_a_signed_request(acme, endpoint, http, monkeypatch):
    monkeypatch.setattr(runs, "MOST", 100)
    row, url = endpoint(), url_of("support-agent")
    wrong: list[object] = []
    with Runtime(Said()) as runtime:
        for expected, said in UNSIGNED.items():
            runtime.said = said
            report = runs.run(acme, http(runtime.base), row.id)
            if report.code != expected or "token" in report.reason.lower():
                wrong.append((expected, report.code))
        for expected, answers in SIGNED.items():
            for said in answers:
                runtime.said = verifying(said, url)
                report = runs.run(acme, http(runtime.base), row.id, signed=True)
                if report.code != expected or not report.reason.endswith("."):
                    wrong.append((expected, report.code, said))
    assert wrong == []


def test_run_stops_at_a_runtime_that_is_not_reached_or_too_slow(acme, endpoint, http, monkeypatch):
    row = endpoint()
    with Runtime(Said()) as plain:
        clients = {
            "no_connection": http("http://127.0.0.1:9"),
            "unknown_host": http("http://no-such-host.invalid"),
            "certificate": http(plain.base.replace("http:", "https:")),
        }
        result_codes = {
            code: codes(runs.run(acme, client, row.id, signed=True)) for code, client in clients.items()
        }
    assert result_codes == {code: {"unsigned": code} for code in clients}

    private = [addresses.literal("10.0.0.8")]
    with monkeypatch.context() as patch:
        patch.setattr(addresses, "look_up", lambda *_: private)
        report = runs.run(acme, Outbound(deadline=1), row.id, signed=True)
    assert codes(report) == {"unsigned": "private_address"}

    provider, over = PROVIDERS["twilio"], threading.Event()
    rules = typed(CallsWebhooks, provider).webhook_rules
    monkeypatch.setattr(type(provider), "webhook_rules", dataclasses.replace(rules, limit_seconds=0.2))
    with Runtime(Said(waits=over)) as slow:
        report = runs.run(acme, http(slow.base), row.id, signed=True)
        over.set()
    assert codes(report) == {"unsigned": "too_slow"}


def test_judge_compares_the_time_with_the_limit():
    twilio = typed(CallsWebhooks, PROVIDERS["twilio"])
    by_latency = {}
    for latency in (5_000, 5_001, 15_000, 15_001):
        received = Received(Answer(200, XML, CONNECT.encode()), latency)
        by_latency[latency] = str(verdicts.judge(twilio, Signing.SIGNED, received, has_ended=False).verdict)
    assert by_latency == {
        5_000: "connects",
        5_001: "connects_slowly",
        15_000: "connects_slowly",
        15_001: "too_slow",
    }


def test_run_of_providers_with_other_signatures(acme, endpoint, http):
    """Vobiz's is of the URL and a nonce; Exotel has none, so its signed test is the request of a call."""
    token = SIMULATORS["vobiz"].sample_values["auth_token"]

    def vobiz(got):
        nonce = got.headers["X-Vobiz-Signature-V3-Nonce"] or ""
        right = vobiz_webhook.signature(token, url_of("support-agent", "vobiz"), nonce)
        stream = "<Response><Stream>wss://agents.example/live</Stream></Response>"
        return Said(body=stream) if got.headers["X-Vobiz-Signature-V3"] == right else REFUSED

    rows = {
        "vobiz": endpoint("vobiz", number="+15551234501"),
        "exotel": endpoint("exotel", number="+15551234502"),
    }
    with Runtime(vobiz) as runtime:
        report = runs.run(acme, http(runtime.base), rows["vobiz"].id, signed=True)
    assert codes(report) == {"unsigned": "refused", "wrongly_signed": "refused", "signed": "connects"}
    voicebot = Said(body='{"url": "wss://agents.example/live"}', headers={"Content-Type": "application/json"})
    cases = [
        (voicebot, "connects"),
        (Said(200, "OK", HTML), "responds"),
        (Said(302, "", {"Location": "/"}), "responds"),
        (Said(403, ""), "forbidden"),
        (Said(body="<html>"), "html"),
    ]
    wrong = []
    for said, expected in cases:
        with Runtime(said) as runtime:
            result_codes = codes(runs.run(acme, http(runtime.base), rows["exotel"].id, signed=True))
        if result_codes != {"unsigned": expected} or runtime.got[0].method != "GET":
            wrong.append((expected, result_codes))
    assert wrong == []
    with Runtime(voicebot) as runtime:
        assert codes(runs.run(acme, http(runtime.base), rows["exotel"].id)) == {"unsigned": "responds"}
    assert "CallStatus=completed" in runtime.got[0].path


def test_run_merges_results_until_a_credential_or_the_url_changes(acme, endpoint, http):
    row = endpoint()
    with wsgi(official([], lambda: url_of("support-agent"))) as base:
        assert runs.run(acme, http(base), row.id, signed=True).is_proof
        assert runs.run(acme, http(base), row.id).is_proof
        assert set(codes(runs.last(acme, row.id))) == set(Signing)
        credentials.save(acme, PROVIDERS["twilio"], {"max_concurrent": 3})
        assert runs.last(acme, row.id).is_proof
        credentials.save(acme, PROVIDERS["twilio"], {"auth_token": "another-token-of-twilio"})
        assert runs.last(acme, row.id).code == "not_tested"
        assert not acme.session.scalar(select(WebhookTest.is_proof))

        credentials.save(acme, PROVIDERS["twilio"], {"auth_token": TOKEN})
        assert runs.run(acme, http(base), row.id, signed=True).is_proof
        row = crud.update(acme, row.id, {"inbound_agent_name": "billing"})
        assert (runs.last(acme, row.id).code, runs.last(acme, row.id).ok) == ("not_tested", None)
        assert codes(runs.run(acme, http(base), row.id)) == {"unsigned": "refused"}


def test_run_is_one_at_a_time_and_limited(acme, scopes, cast, endpoint, http):
    row, refusal_codes = endpoint(), []

    def again(_got):
        with scopes.of("dana") as other:
            with pytest.raises(Conflict) as refused:
                runs.run(other, http("http://127.0.0.1:9"), row.id)
            refusal_codes.append(refused.value.code)
        return REFUSED

    with Runtime(again) as runtime:
        runs.run(acme, http(runtime.base), row.id)
        assert refusal_codes == ["TEST_RUNNING"]
        runtime.said = REFUSED
        for _ in range(runs.MOST - 2):
            runs.run(acme, http(runtime.base), row.id)
        with pytest.raises(TooMany):
            runs.run(acme, http(runtime.base), row.id)


def test_run_refuses_what_cannot_be_tested(acme, endpoint, http):
    row = endpoint()
    refusals = {}
    crud.update(acme, row.id, {"inbound_agent_name": None})
    with pytest.raises(Conflict) as refusals["NO_INBOUND_AGENT"]:
        runs.run(acme, http("http://127.0.0.1:9"), row.id)
    crud.update(acme, row.id, {"inbound_agent_name": "support", "is_active": False})
    credentials.save(acme, PROVIDERS["twilio"], {"auth_token": None})
    with pytest.raises(Conflict) as refusals["PROVIDER_NOT_CONFIGURED"]:
        runs.run(acme, http("http://127.0.0.1:9"), row.id, signed=True)
    assert codes(runs.run(acme, http("http://127.0.0.1:9"), row.id)) == {"unsigned": "no_connection"}
    directory.update(acme, OFFLINE, {"public_base_url": None})
    with pytest.raises(Conflict) as refusals["NO_PUBLIC_BASE_URL"]:
        runs.run(acme, http("http://127.0.0.1:9"), row.id)
    assert {refused.value.code for refused in refusals.values()} == set(refusals)
    with pytest.raises(NotFound):
        runs.run(acme, http("http://127.0.0.1:9"), "no-such-id")


def test_run_not_made_stores_nothing_and_is_audited_before_it_is_signed(acme, endpoint, http, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.0)
    row = endpoint(number="+15551234502")
    with pytest.raises(ProviderBusy):
        runs.run(acme, http("http://127.0.0.1:9", limits=Limits(total=0)), row.id)
    assert runs.last(acme, row.id).ok is None
    assert codes(runs.run(acme, http("http://127.0.0.1:9"), row.id)) == {"unsigned": "no_connection"}

    assert results.sweep(acme) == 0
    with acme.transaction():
        acme.session.get_one(WebhookTest, row.id).tested_at = clock.now() - results.KEPT - timedelta(hours=1)
    assert results.sweep(acme) == 1
    assert acme.session.scalar(select(func.count()).select_from(WebhookTest)) == 0

    row = endpoint()

    def actions():
        query = (
            select(AuditEvent.action).where(AuditEvent.subject == row.phone_number).order_by(AuditEvent.id)
        )
        return [action for action in acme.session.scalars(query) if action.startswith("webhook-test")]

    with Runtime(REFUSED) as runtime:
        runs.run(acme, http(runtime.base), row.id)
        assert actions() == [Action.WEBHOOK_TESTED]
        runs.run(acme, http(runtime.base), row.id, signed=True)
    assert actions() == [Action.WEBHOOK_TESTED, Action.WEBHOOK_TEST_STARTED, Action.WEBHOOK_TESTED]
