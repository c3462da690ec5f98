"""What every test of values promises, whoever the provider is."""

from __future__ import annotations

from typing import cast

import pytest

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.provider import Capability, Outcome, Verifies
from app.providers import PROVIDERS
from simulators import SIMULATORS
from simulators.base import Reply, Trouble

WRONG = "made-up-and-wrong-0001"

pytestmark = pytest.mark.parametrize("key", PROVIDERS)


@pytest.fixture
def key(request):
    return request.param


def wrong_secrets(key, values):
    """Wrong where needed: an optional secret is tested where its provider is."""
    return {field.name: WRONG for field in PROVIDERS[key].required if field.secret and field.name in values}


def test_it_is_declared_and_there_is_something_to_test_it_against(key):
    assert Capability.VERIFY in PROVIDERS[key].capabilities
    assert key in SIMULATORS
    assert {field.name for field in PROVIDERS[key].required} <= set(SIMULATORS[key]().values)


def test_right_values_are_ok(upstream, verify):
    assert verify().code == Outcome.OK
    assert upstream.requests


def test_needed_values_are_enough(key, upstream, verify):
    optional = {field.name: None for field in PROVIDERS[key].fields if not field.required}
    assert verify(**optional).ok


def test_wrong_secrets_are_bad_credentials(key, upstream, verify):
    assert verify(**wrong_secrets(key, upstream.values)).code == Outcome.BAD_CREDENTIALS


def test_it_reads_and_never_writes(key, upstream, verify):
    verify()
    verify(**wrong_secrets(key, upstream.values))
    writes = {(seen.host, seen.path) for seen in upstream.requests if seen.method != "GET"}
    assert writes <= {("auth.sinch.com", "/oauth2/token")}
    assert len(upstream.requests) <= 8


def test_it_calls_the_official_hosts_only(key, upstream, verify):
    verify()
    assert {seen.host for seen in upstream.requests} <= set(upstream.hosts)


def test_no_secret_is_in_an_address(key, upstream, verify):
    verify()
    secrets = [
        upstream.values[field.name] for field in PROVIDERS[key].secrets if field.name in upstream.values
    ]
    assert secrets
    assert not [secret for secret in secrets if secret in repr(upstream.requests)]


def test_without_values_nothing_is_asked(key, upstream):
    for values in ({}, dict.fromkeys(upstream.values)):
        result = cast(Verifies, PROVIDERS[key]).verify(Outbound(upstream.upstreams), values)
        assert (result.ok, result.code) == (False, Outcome.NOT_CONFIGURED)
        assert all(field.label in result.reason for field in PROVIDERS[key].required)
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("trouble", "code", "status"),
    [
        (Trouble.RATE_LIMITED, Outcome.RATE_LIMITED, "429"),
        (Trouble.FAULT, Outcome.UNEXPECTED_ANSWER, "500"),
        (Trouble.HTML, Outcome.UNEXPECTED_ANSWER, "200"),
        (Trouble.REFUSED_IN_HTML, Outcome.UNEXPECTED_ANSWER, "401"),
        (Trouble.ODD, Outcome.UNEXPECTED_ANSWER, "200"),
    ],
)
def test_trouble_says_nothing_of_the_values(upstream, verify, trouble, code, status):
    upstream.trouble = trouble
    result = verify()
    assert result.code == code
    assert f"status {status}" in result.reason


ODD = [None, 7, "x", [], {}, [7], {"code": 7, "status": [7]}]


@pytest.mark.parametrize("status", [201, 204, 400, 401, 402, 403, 404, 418])
def test_shapes_that_nobody_promised_are_survived(upstream, verify, status):
    names = ("detail", "error", "errorCode", "sid", "auth_id", "id", "access_token", "RestException")
    for odd in ODD:
        body = dict.fromkeys(names, odd)
        upstream.answer = lambda asked, body=body: Reply(status, body)
        assert not verify().ok


def test_a_provider_that_is_slow_is_not_waited_for(upstream, verify):
    upstream.trouble = Trouble.SLOW
    with pytest.raises(OutboundError) as failed:
        verify(deadline=0.2)
    assert failed.value.code == "timeout"


def test_an_id_with_anything_in_it_stays_in_its_place(key, upstream, verify):
    """Ids that have no pattern are typed freely, and are part of an address."""
    free = [f.name for f in PROVIDERS[key].required if not f.secret and not getattr(f, "pattern", "")]
    for name in free:
        assert verify(**{name: "a/../b?c#d%é"}).ok is False
    assert {seen.host for seen in upstream.requests} <= set(upstream.hosts)
    assert not [seen for seen in upstream.requests if "c" in seen.query]
