from __future__ import annotations

import itertools
from functools import partial

from cachetools import TLRUCache

from app.provider import Outcome
from app.providers import sinch_est
from simulators.base import Reply, Trouble
from simulators.sinch_est import DOMAIN, TRUNK, error

KEY = "sinch_est"


def token_requests(upstream):
    return [request.method for request in upstream.requests if request.host == "auth.sinch.com"].count("POST")


def test_verify_distinguishes_key_trunk_project_and_token(upstream, verify):
    assert verify(key_id="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    assert verify(key_secret="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    assert {request.host for request in upstream.requests} == {"auth.sinch.com"}

    upstream.reset()
    sinch_est.tokens.clear()
    assert verify(trunk_id=TRUNK[:-1] + "2").code == Outcome.NOT_FOUND

    upstream.reset()
    sinch_est.tokens.clear()
    project = "00000000-0000-4000-8000-000000000009"
    assert verify(project_id=project).code == Outcome.NO_PERMISSION

    upstream.reset()
    sinch_est.tokens.clear()
    upstream.refusal = error(404, "NOT_FOUND")
    assert verify().code == Outcome.WRONG_ACCOUNT

    sinch_est.tokens.clear()
    upstream.requests.clear()
    upstream.refusal = error(401, "UNAUTHENTICATED")
    assert verify().code == Outcome.BAD_CREDENTIALS
    assert token_requests(upstream) == 1


def test_verify_uses_one_token_until_it_is_revoked_or_about_to_expire(upstream, verify, monkeypatch):
    assert verify().ok
    assert verify(trunk_domain=None).ok
    assert token_requests(upstream) == 1

    assert verify().ok
    assert verify(key_secret="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
    assert token_requests(upstream) == 2

    upstream.reset()
    sinch_est.tokens.clear()
    assert verify().ok
    upstream.revoke()
    assert verify().ok
    assert token_requests(upstream) == 2

    wrong = []
    for life, good_for in LIVES.items():
        passed = itertools.accumulate((1000, max(good_for - 1, 0), 2))
        now = [0.0]
        tokens = TLRUCache(500, sinch_est.tokens.ttu, timer=partial(now.__getitem__, 0))
        monkeypatch.setattr(sinch_est, "tokens", tokens)
        upstream.reset()
        upstream.token_life = life
        requested = []
        for now[0] in passed:
            assert verify().ok
            requested.append(token_requests(upstream))
        if requested != ([1, 1, 2] if good_for else [2, 4, 6]):
            wrong.append((life, requested))
    assert wrong == []


LIVES = {3600: 3300, 86400: 3300, 1000: 700, 300: 0, 60: 0, "soon": 3300}


def test_verify_compares_the_domain_of_the_trunk(upstream, verify, subtests):
    result = verify(trunk_domain="another.example")
    assert (result.ok, result.code) == (False, Outcome.TRUNK_DOMAIN_DIFFERS)
    assert "another.example" in result.reason
    assert DOMAIN in result.reason

    for here in [DOMAIN, DOMAIN.upper(), DOMAIN + ".", None]:
        with subtests.test(here=here):
            sinch_est.tokens.clear()
            result = verify(trunk_domain=here)
            assert result.code == Outcome.OK
            assert DOMAIN in result.reason

    for domain in [None, 7, "", "no domain, but a sentence"]:
        with subtests.test(domain=domain):
            upstream.reset()
            sinch_est.tokens.clear()
            upstream.trunk = {"domain": domain}
            assert verify().code == Outcome.NOT_PROVEN

    upstream.reset()
    sinch_est.tokens.clear()
    upstream.trunk = {"id": "another"}
    assert verify().code == Outcome.UNEXPECTED_ANSWER


def test_verify_fault_at_the_trunk_or_malformed_token_is_reported(upstream, verify, subtests):
    for trouble, code in [
        (Trouble.RATE_LIMITED, Outcome.RATE_LIMITED),
        (Trouble.FAULT, Outcome.UNEXPECTED_ANSWER),
        (Trouble.HTML, Outcome.UNEXPECTED_ANSWER),
    ]:
        with subtests.test(trouble=trouble, code=code):
            upstream.reset()
            sinch_est.tokens.clear()
            upstream.trouble, upstream.trouble_at = trouble, "/trunks/"
            assert verify().code == code

    for token in [None, 7, "", "two words", "two\nlines", "é"]:
        with subtests.test(token=token):
            upstream.reset()
            sinch_est.tokens.clear()
            reply = Reply(200, {"access_token": token, "expires_in": 3600})
            upstream.answer = lambda _request, reply=reply: reply
            assert verify().code == Outcome.UNEXPECTED_ANSWER
            assert {request.host for request in upstream.requests} == {"auth.sinch.com"}
