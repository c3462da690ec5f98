"""What a dialer gets in the next request after another process has committed a change."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app import context, create_app
from app.config import Settings
from app.core import clock
from app.extensions import db
from app.models import Role, VoicePhoneNumber
from app.services.access import tokens
from app.services.organizations import directory
from app.services.scope import Actor
from devtools.clients import ApiClient
from devtools.load import Account
from devtools.server import Server
from tests.support import cast
from tests.support.denominators import Report

QUERY = "/api/calls/providers"
CONNECTIONS = 4
"""So that each worker of the server gets some."""


class Elsewhere:
    """Another process of the machine: the test's. It changes what a dialer is answered."""

    def __init__(self, account: Account, choose: random.Random) -> None:
        self._choose = choose
        everywhere = context.scope(Actor(name="tests"))
        self._organization = directory.by_slug(everywhere, account.slug)
        self._scope = everywhere.for_organization(self._organization)
        self._user = cast.user(self._organization, f"dialer@{account.slug}.example", "Dialer", Role.MEMBER)
        with self._scope.transaction():
            db.session.add(self._user)
            db.session.flush()
            self._number = VoicePhoneNumber(
                organization_id=self._organization.id,
                user_id=self._user.id,
                provider="twilio",
                phone_number=f"+1555{choose.randrange(10**7):07}",
                is_default=True,
            )
            db.session.add(self._number)
        self.issue()

    def issue(self) -> None:
        with self._scope.transaction():
            issued = tokens.create(self._scope, self._user, name="Dialer", scopes=(), life=timedelta(hours=1))
        self.jwt, self._token = issued.jwt, issued.token

    def change(self) -> None:
        """Commits one change, at random, which each time changes the answer."""
        db.session.rollback()
        if self._token.revoked_at:
            self.issue()
            return
        with self._scope.transaction():
            if self._user.disabled_at:
                self._user.disabled_at = None
            else:
                self._choose.choice([self._switch, self._switch, self._move, self._disable, self._revoke])()

    def _switch(self) -> None:
        others = {"twilio", "sinch", None} - {self._organization.active_voice}
        self._organization.active_voice = self._choose.choice(sorted(others, key=str))

    def _move(self) -> None:
        self._number.is_default = not self._number.is_default

    def _disable(self) -> None:
        self._user.disabled_at = clock.now()

    def _revoke(self) -> None:
        self._token.revoked_at = clock.now()

    @property
    def expected(self) -> tuple[int, str | None, str | None]:
        if self._token.revoked_at or self._user.disabled_at:
            return 401, None, None
        provider = self._organization.active_voice
        has_number = self._number.is_default and provider == self._number.provider
        return 200, provider, self._number.phone_number if has_number else None


@pytest.fixture
def elsewhere(shared_portal: Server, account: Account) -> Iterator[Elsewhere]:
    app = create_app(Settings.from_environment(shared_portal.environment))
    with app.app_context():
        yield Elsewhere(account, random.Random(22))
        db.session.remove()
        db.engine.dispose()


def test_no_answer_is_stale(
    shared_portal: Server, elsewhere: Elsewhere, *, thorough: bool, full: bool, report: Report
) -> None:
    changes, stale = 1000 if full else 60 if thorough else 20, []
    clients: list[ApiClient] = []
    for number in range(changes):
        elsewhere.change()
        if not clients or clients[0]._token != elsewhere.jwt:
            clients = [ApiClient(shared_portal.url, elsewhere.jwt) for _ in range(CONNECTIONS)]
        answers = [_answer(client) for client in clients] * 2
        if set(answers) != {elsewhere.expected}:
            stale.append((number, answers, elsewhere.expected))
    report("Change by another process", tried=changes, survived=changes - len(stale))
    assert stale == []


def _answer(client: ApiClient) -> tuple[int, str | None, str | None]:
    response = client.call("GET", QUERY)
    body = response.json()
    if response.status != 200:
        return response.status, None, None
    return 200, body["provider"], body["phoneNumber"]
