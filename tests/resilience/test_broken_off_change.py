"""The server is killed between a provider's write and its response."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.core import clock
from app.extensions import db
from app.models import AuditEvent, ProviderWrite
from app.services.connections import provider_writes
from devtools.clients import ApiClient, Unanswered
from devtools.load import superadmin
from devtools.server import Server, served
from simulators.base import Reply, Request
from simulators.twilio import Twilio
from tests.support.denominators import Report
from tests.support.integrity import problems

NUMBER = "+15551234567"
SECONDS = 60


class SignallingTwilio(Twilio):
    """Carries out a write, and signals it to the test before it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers[NUMBER].voice_url = "https://old.example/x"
        self.has_written = threading.Event()
        self.may_answer = threading.Event()

    def answer(self, request: Request) -> Reply:
        reply = super().answer(request)
        if request.method == "POST" and not self.may_answer.is_set():
            self.has_written.set()
            self.may_answer.wait(SECONDS)
        return reply


def _actions(app: Flask) -> list[str]:
    with app.app_context():
        query = select(AuditEvent.action).where(AuditEvent.subject == NUMBER).order_by(AuditEvent.id)
        actions = list(db.session.scalars(query))
        db.session.remove()
        return actions


@pytest.mark.thorough("test_run_resolves_a_change_of_a_killed_process")
def test_an_interrupted_change_is_resolved_by_the_next_check(
    app: Flask, environment: dict[str, str], report: Report
) -> None:
    with SignallingTwilio() as twilio:
        there = {"PATCHBAY_UPSTREAMS": ",".join(f"{host}={base}" for host, base in twilio.upstreams.items())}
        with served(Path(environment["PATCHBAY_DATA"]), environment | there) as server:
            client = ApiClient(server.url, superadmin(server).token)
            address = _endpoint(client, twilio)
            _killed_while(server, lambda: client.call("POST", f"{address}/point"), twilio.has_written)
            begun = _actions(app)
            twilio.may_answer.set()
            with app.app_context():
                old = clock.now() - 2 * provider_writes.LONGEST
                db.session.execute(update(ProviderWrite).values(started_at=old))
                db.session.commit()
            server.start()
            observed = client.call("GET", f"{address}/observe").json()
            resolved = _actions(app)
            wrong = problems(server)
    is_good = (begun[-1], resolved[-1]) == ("provider-change.started", "provider-change.resolved")
    report("SIGKILL between a provider's write and its response", tried=1, survived=int(is_good))
    assert observed["in_sync"] is True
    assert is_good, (begun, resolved)
    assert wrong == []


def _endpoint(client: ApiClient, twilio: Twilio) -> str:
    """The address of an endpoint whose number calls something else."""
    account = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    body = {"public_base_url": "https://voice.acme.example", **account}
    assert client.call("PUT", "/api/settings/telephony", body).status == 200
    body = {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "support"}
    response = client.call("POST", "/api/settings/endpoints", body)
    assert response.status == 201
    return f"/api/settings/endpoints/{response.json()['id']}"


def _killed_while(server: Server, call: Callable[[], object], has_begun: threading.Event) -> None:
    def run() -> None:
        with suppress(Unanswered):
            call()

    caller = threading.Thread(target=run)
    caller.start()
    assert has_begun.wait(SECONDS)
    server.kill()
    caller.join(SECONDS)
