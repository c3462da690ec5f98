"""Two portals on one PostgreSQL, with the same keys: what one changes counts at the other."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from devtools.clients import ApiClient, PortalClient
from devtools.load import Account
from devtools.server import Server, served
from simulators.twilio import sample_id
from tests.resilience.checks import Checks, HeldTwilio, unused_numbers
from tests.support.denominators import Report

LATEST = 1.0
"""Seconds after a change was acknowledged by which every portal answers with it."""
SECONDS = 60
QUERY = "/api/calls/providers"
VOICE = [
    {"provider": "twilio", "twilioAccountSid": sample_id("AC"), "twilioAuthToken": "sample-token-0001"},
    {"provider": "sinch", "sinchApplicationKey": "sample-key", "sinchApplicationSecret": "c2FtcGxl"},
]

pytestmark = [
    pytest.mark.parametrize("shared_portal", ["postgresql"], indirect=True),
    pytest.mark.thorough(
        "test_revoke_a_disabled_user_and_another_role_end_tokens",
        "test_no_answer_is_stale",
        "test_run_concurrently_checks_once",
    ),
]


@pytest.fixture(scope="module")
def other_portal(
    shared_portal: Server, shared_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    url = shared_portal.environment["DATABASE_URL"]
    data: Path = tmp_path_factory.mktemp("other")
    with served(data, shared_settings | {"DATABASE_URL": url, "PATCHBAY_WORKERS": "1"}) as server:
        yield server


def test_a_change_is_seen_by_the_other(
    shared_portal: Server, other_portal: Server, account: Account, full: bool, report: Report
) -> None:
    """The active provider, which is in the response to the dialer's query."""
    here = ApiClient(shared_portal.url, account.token)
    there = ApiClient(other_portal.url, account.token)
    for saved in VOICE:
        assert here.call("POST", "/api/calls/providers/config", saved).status == 200
    changes, in_time = 200 if full else 4, 0
    for n in range(changes):
        provider = VOICE[n % 2]["provider"]
        assert there.call("GET", QUERY).json()["provider"] != provider
        assert here.call("POST", "/api/calls/providers/active", {"provider": provider}).status == 200
        in_time += _is_seen_in_time(partial(_is_active, there, provider))
    report("Change at another portal", tried=changes, survived=in_time)
    assert in_time == changes


def _is_active(portal: ApiClient, provider: str) -> bool:
    return bool(portal.call("GET", QUERY).json()["provider"] == provider)


def _is_refused(portal: ApiClient) -> bool:
    return portal.call("GET", QUERY).status == 401


def test_a_revoked_token_is_refused_by_the_other(
    shared_portal: Server, other_portal: Server, account: Account, full: bool, report: Report
) -> None:
    here = PortalClient(shared_portal.url)
    here.sign_in(account.email)
    tokens, in_time = 25 if full else 3, 0
    for _ in range(tokens):
        token = shared_portal.flask("tokens", "create", "--email", account.email)
        there = ApiClient(other_portal.url, token)
        assert there.call("GET", QUERY).status == 200
        address, form = here.form("/account", action=f"{_id_of(token)}/revoke")
        assert here.post(address, form, {}).status == 303
        in_time += _is_seen_in_time(partial(_is_refused, there))
    report("Token revoked at another portal", tried=tokens, survived=in_time)
    assert in_time == tokens


def _is_seen_in_time(is_seen: Callable[[], bool]) -> bool:
    """Whether no request that began later than `LATEST` after now has the old state in its response."""
    acknowledged = time.monotonic()
    while (begun := time.monotonic()) < acknowledged + SECONDS:
        if is_seen():
            return True
        if begun > acknowledged + LATEST:
            return False
    return False


def _id_of(token: str) -> str:
    claims = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["jti"])


def test_a_number_is_checked_by_one_of_them(
    shared_portal: Server,
    other_portal: Server,
    account: Account,
    twilio: HeldTwilio,
    *,
    full: bool,
    report: Report,
) -> None:
    """Both find numbers to check at the same time: Twilio does not answer before both know of theirs."""
    numbers = unused_numbers(twilio, 80 if full else 8)
    checks = Checks(shared_portal, account, twilio)
    times = checks.of_both(ApiClient(other_portal.url, account.token), numbers)
    once = sum(count == 1 for count in times.values())
    report("Numbers checked by two portals", tried=len(numbers), survived=once)
    assert once == len(numbers), times
