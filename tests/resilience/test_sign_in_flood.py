"""The dialer's query is answered beside clients that sign in again and again.

How fast is measured by bench/under_attack.py; slow clients have tests of their own.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from devtools import attacks
from devtools.clients import ApiClient, Unanswered
from devtools.load import Account
from devtools.server import Server
from tests.support.denominators import Report

SECONDS = 30
QUERY = "/api/calls/providers"


@pytest.mark.thorough(
    "test_silent_bodies_keep_no_other_client_waiting", "test_threads_are_left_for_the_dialer"
)
def test_queries_are_answered_beside_a_sign_in_flood(
    shared_portal: Server, account: Account, full: bool, report: Report
) -> None:
    tried = 1000 if full else 20
    with attacks.sign_ins(shared_portal.url) as statuses:
        answered = sum(_is_answered(shared_portal.url, account.token) for _ in range(tried))
    report("Queries beside 40 clients that sign in", tried=tried, survived=answered)
    assert answered == tried
    assert statuses
    assert statuses.keys() <= {401, 429, 503}


def _is_answered(url: str, token: str) -> bool:
    """On a connection of its own, as by a dialer that has just started."""
    client = ApiClient(url, token, seconds=SECONDS)
    with suppress(Unanswered):
        answer = client.call("GET", QUERY)
        client.close()
        return answer.status == 200
    return False
