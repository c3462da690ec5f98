"""The request of a webhook test: marked, signed as the provider signs it, and never signed by accident."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from twilio.request_validator import RequestValidator

from app.provider import Capability
from app.provider.webhooks import MARK, MARK_HEADER, Effect, SampleCall, Signing, Unreadable
from app.providers import PROVIDERS
from app.providers.sinch import signing as sinch_signing
from app.providers.twilio import webhook as twilio_webhook
from app.providers.vobiz import webhook as vobiz_webhook
from simulators import SIMULATORS

TESTED: list[Any] = [one for one in PROVIDERS.values() if Capability.WEBHOOK_TEST in one.capabilities]
BY_KEY = {one.key: one for one in TESTED}
CALL = SampleCall("0123456789abcdef0123456789abcdef", "+15551234567", datetime(2026, 3, 18, 10))  # noqa: DTZ001 (naive UTC, as everywhere)
ENDED = dataclasses.replace(CALL, has_ended=True)
URLS = (
    "https://voice.acme.example/telephony/twilio/inbound/support-agent",
    "https://voice.acme.example:8443/a~b/telephony/twilio/inbound/support%20agent-%E2%82%AC",
)
PUBLISHED = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALLER = {"From": "+14158675309", "To": "+18005551212", "Caller": "+14158675309"}
VECTOR = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", **CALLER}


def made(provider, signing, call=CALL, url=URLS[0], **more):
    return provider.webhook_test(SIMULATORS[provider.key].sample_values, url, call, signing, **more)


def parameters(request):
    if request.method == "GET":
        return dict(parse_qsl(urlsplit(request.url).query))
    if "json" in request.headers["Content-Type"]:
        return json.loads(request.body)
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


def test_every_request_is_marked_keeps_the_url_and_names_no_ended_call():
    wrong = []
    for provider in TESTED:
        for signing in Signing:
            for url in URLS:
                request = made(provider, signing, url=url)
                marks = (parameters(request)[MARK], request.headers[MARK_HEADER])
                if marks != (CALL.test_id,) * 2 or request.url.partition("?")[0] != url:
                    wrong.append((provider.key, signing, url))
    assert {provider.key for provider in TESTED} == {"twilio", "vobiz", "sinch", "exotel"}
    assert wrong == []

    wrong = [
        provider.key
        for provider in TESTED
        if {"ringing", "StartApp", "ice", "call-attempt"}
        & set(map(str, parameters(made(provider, Signing.UNSIGNED, ENDED)).values()))
    ]
    assert wrong == []


def test_signatures_differ_only_in_their_value():
    """No secret is in any request, and nothing but a signature sets the three apart."""
    wrong = []
    for provider in TESTED:
        secrets = [
            SIMULATORS[provider.key].sample_values[field.name]
            for field in provider.secrets
            if field.name in SIMULATORS[provider.key].sample_values
        ]
        requests = {signing: made(provider, signing) for signing in Signing}
        bare, forged, right = (set(requests[signing].headers) for signing in Signing)
        extra = right - bare
        if forged != right or bool(extra) != provider.webhook_rules.is_signed:
            wrong.append((provider.key, "headers"))
        values = [{name: requests[it].headers[name] for name in extra} for it in list(Signing)[1:]]
        if extra and values[0] == values[1]:
            wrong.append((provider.key, "values"))
        if any(secret in repr(dataclasses.asdict(one)) for one in requests.values() for secret in secrets):
            wrong.append((provider.key, "secret"))
    assert wrong == []


def test_twilio_signature_is_as_published_and_matches_its_library(subtests):
    assert twilio_webhook.signature("12345", PUBLISHED, VECTOR) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    ported = PUBLISHED.replace(".com/", ".com:443/")
    assert twilio_webhook.signature("12345", ported, VECTOR) == "kvajT1Ptam85bY51eRf/AJRuM3w="

    provider = PROVIDERS["twilio"]
    validator = RequestValidator(SIMULATORS["twilio"].sample_values["auth_token"])
    for url in URLS:
        with subtests.test(url=url):
            accepted = {}
            for signing in Signing:
                request = made(provider, signing, url=url)
                signature = request.headers.get("X-Twilio-Signature", "")
                accepted[signing] = validator.validate(url, parameters(request), signature)
            assert accepted == {signing: signing is Signing.SIGNED for signing in Signing}
    request = made(provider, Signing.SIGNED, signed_url="http://other.example/x")
    signature = request.headers["X-Twilio-Signature"]
    assert validator.validate("http://other.example/x", parameters(request), signature)


def test_other_signatures_cover_path_nonce_and_body():
    """No vector is published: this one is of the test inputs of an open source runtime."""
    url, nonce = "https://example.test/api/v1/telephony/vobiz/hangup-callback/123", "12345678901234567890"
    signed = [vobiz_webhook.signature("vobiz-auth-token", url, nonce, version) for version in ("V3", "V2")]
    assert signed == [
        "xGdTHRoqX4WVHmJJQo6qArotmWVIDqQqSUIq08+0MV8=",
        "SWhL/1S9u6fk5K3cqN3Uu9j26vdxYYvQt8MzskJYF9Q=",
    ]
    assert signed[0] == vobiz_webhook.signature("vobiz-auth-token", url + "?a=1", nonce)
    requests = [made(PROVIDERS["vobiz"], Signing.SIGNED) for _ in range(2)]
    nonces = [request.headers["X-Vobiz-Signature-V3-Nonce"] for request in requests]
    assert len(set(nonces)) == 2
    token = SIMULATORS["vobiz"].sample_values["auth_token"]
    right = vobiz_webhook.signature(token, URLS[0], nonces[0])
    assert requests[0].headers["X-Vobiz-Signature-V3"] == right

    request = made(PROVIDERS["sinch"], Signing.SIGNED, url=URLS[1])
    values = SIMULATORS["sinch"].sample_values
    right = sinch_signing.signature(
        values["application_secret"],
        method="POST",
        path=urlsplit(URLS[1]).path,
        timestamp=request.headers["x-timestamp"],
        content_type=request.headers["Content-Type"],
        body=request.body,
    )
    assert request.headers["Authorization"] == f"application {values['application_key']}:{right}"


INSTRUCTIONS = {
    ("twilio", b"<Response><Connect><Stream url='wss://a.example/s'/></Connect></Response>"): Effect.CONNECTS,
    ("twilio", b"<Response><Gather/></Response>"): Effect.CONNECTS,
    ("vobiz", b"<Response><Stream bidirectional='true'>wss://a.example</Stream></Response>"): Effect.CONNECTS,
    ("sinch", b'{"instructions": [], "action": {"name": "connectStream"}}'): Effect.CONNECTS,
    ("sinch", b'{"action": {"name": "hangup"}}'): Effect.REJECTS,
    ("sinch", b'{"action": {"name": "runMenu"}}'): Effect.SPEAKS,
    ("sinch", b'{"action": []}'): None,
    ("sinch", b"[]"): None,
    ("sinch", b"<Response/>"): None,
    ("exotel", b'{"url": "wss://a.example/s"}'): Effect.CONNECTS,
    ("exotel", b"[]"): None,
    ("exotel", b"OK"): None,
}


def test_instructions_are_read_as_each_provider_reads_them():
    wrong = []
    for (key, body), expected in INSTRUCTIONS.items():
        try:
            effect = BY_KEY[key].instructions(body).effect
        except Unreadable:
            effect = None
        if effect is not expected:
            wrong.append((key, body, effect))
    assert wrong == []
    assert BY_KEY["exotel"].instructions(b'{"url": "ws://a.example"}').has_bad_stream
    with pytest.raises(Unreadable):
        BY_KEY["twilio"].instructions(b"OK")
