from __future__ import annotations

import pytest
from cachetools import TLRUCache

from app.provider import Outcome
from app.providers import sinch_est
from simulators.base import Reply, Trouble
from simulators.sinch_est import DOMAIN, TRUNK, error

KEY = "sinch_est"


def tokens_asked(upstream):
    return [seen.method for seen in upstream.requests if seen.host == "auth.sinch.com"].count("POST")


def test_a_wrong_key_gets_no_token(upstream, verify):
    assert verify(key_id="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    assert verify(key_secret="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    assert {seen.host for seen in upstream.requests} == {"auth.sinch.com"}


def test_a_token_is_asked_for_once(upstream, verify):
    assert verify().ok
    assert verify(trunk_domain=None).ok
    assert tokens_asked(upstream) == 1


def test_a_token_is_of_a_key_and_its_secret(upstream, verify):
    assert verify().ok
    assert verify(key_secret="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    assert tokens_asked(upstream) == 2


@pytest.mark.parametrize(
    ("life", "good_for"), [(3600, 3300), (86400, 3300), (1000, 700), (300, 0), (60, 0), ("soon", 3300)]
)
def test_a_token_is_asked_for_anew_before_it_ends(upstream, verify, monkeypatch, life, good_for):
    now = 1000.0
    tokens = TLRUCache(500, sinch_est.tokens.ttu, timer=lambda: now)
    monkeypatch.setattr(sinch_est, "tokens", tokens)
    upstream.token_life = life
    assert verify().ok
    now += max(good_for - 1, 0)
    assert verify().ok
    assert tokens_asked(upstream) == (1 if good_for else 2)
    now += 2
    assert verify().ok
    assert tokens_asked(upstream) == (2 if good_for else 3)


def test_a_token_that_was_withdrawn_is_replaced(upstream, verify):
    assert verify().ok
    upstream.revoke()
    assert verify().ok
    assert tokens_asked(upstream) == 2


def test_a_trunk_of_nobody(verify):
    result = verify(trunk_id=TRUNK[:-1] + "2")
    assert result.code == Outcome.NOT_FOUND
    assert "trunk" in result.reason


def test_another_project(verify):
    result = verify(project_id="00000000-0000-4000-8000-000000000009")
    assert result.code == Outcome.NO_PERMISSION
    assert "project" in result.reason


def test_a_project_that_refuses_the_token(upstream, verify):
    upstream.refusal = error(401, "UNAUTHENTICATED")
    assert verify().code == Outcome.BAD_CREDENTIALS
    assert tokens_asked(upstream) == 1


def test_another_domain_than_the_one_here(upstream, verify):
    result = verify(trunk_domain="another.example")
    assert (result.ok, result.code) == (False, Outcome.TRUNK_DOMAIN_DIFFERS)
    assert "another.example" in result.reason
    assert DOMAIN in result.reason


@pytest.mark.parametrize("here", [DOMAIN, DOMAIN.upper(), DOMAIN + ".", None])
def test_the_same_domain(verify, here):
    result = verify(trunk_domain=here)
    assert result.code == Outcome.OK
    assert DOMAIN in result.reason


@pytest.mark.parametrize("domain", [None, 7, "", "no domain, but a sentence"])
def test_a_trunk_that_does_not_say_its_domain(upstream, verify, domain):
    upstream.trunk = {"domain": domain}
    assert verify().code == Outcome.NOT_PROVEN


def test_an_answer_for_another_trunk_proves_nothing(upstream, verify):
    upstream.trunk = {"id": "another"}
    assert verify().code == Outcome.UNEXPECTED_ANSWER


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Trouble.RATE_LIMITED, Outcome.RATE_LIMITED),
        (Trouble.FAULT, Outcome.UNEXPECTED_ANSWER),
        (Trouble.HTML, Outcome.UNEXPECTED_ANSWER),
    ],
)
def test_trouble_at_the_trunk(upstream, verify, trouble, code):
    upstream.trouble, upstream.trouble_at = trouble, "/trunks/"
    assert verify().code == code


@pytest.mark.parametrize("token", [None, 7, "", "two words", "two\nlines", "é"])
def test_a_token_that_cannot_be_one_is_not_used(upstream, verify, token):
    upstream.answer = lambda asked: Reply(200, {"access_token": token, "expires_in": 3600})
    assert verify().code == Outcome.UNEXPECTED_ANSWER
    assert {seen.host for seen in upstream.requests} == {"auth.sinch.com"}
