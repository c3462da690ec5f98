"""The background work: from a transition to a message, whatever other destinations do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app import links
from app.destination import Post
from app.extensions import db
from app.models import Delivery
from app.notifier import Notifier
from app.services.notifications import destinations
from app.services.notifications.delivery import Sender
from app.services.notifications.states import State
from simulators.site import Reply, Request
from tests.support.cast import Cast, assemble
from tests.support.full_organization import scope_as
from tests.support.receivers import HOST, URL, Receiver
from tests.support.statuses import drifted, go_live, save_result

SECONDS = 20
NOW = timedelta(0)


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"PATCHBAY_PUBLIC_URL": "https://patchbay.example.com"}


@pytest.fixture
def cast(app: Flask) -> Cast:
    return assemble(app)


@pytest.fixture
def receiver(app: Flask) -> Iterator[Receiver]:
    with Receiver() as receiver:
        post = Post(receiver.client(deadline=SECONDS))
        app.extensions["patchbay_sender"] = Sender(post, links.of_notification)
        yield receiver


def test_look_sends_while_another_destination_hangs(app: Flask, cast: Cast, receiver: Receiver) -> None:
    released, hangs = threading.Event(), threading.Event()

    def answer(request: Request) -> Reply:
        if request.path == "/hangs":
            hangs.set()
            assert released.wait(SECONDS)
        return Reply(204, "")

    receiver.answers = answer
    notifier = Notifier(app, NOW)
    with scope_as(app, cast.dana) as scope:
        go_live(scope)
        notifier.run_once(quiet=NOW)
        for url in (f"https://{HOST}/hangs", URL):
            destinations.create(scope, {"kind": "webhook", "url": url})
        save_result(scope, drifted())
    notifier.run_once(quiet=NOW)
    assert hangs.wait(SECONDS)
    receiver.wait_for(1, SECONDS)
    released.set()
    assert notifier.idle.wait(SECONDS)
    with app.app_context():
        delivered = select(func.count()).where(Delivery.state == State.DELIVERED)
        assert db.session.scalar(delivered) == 2
        db.session.remove()
    data = receiver.arrived[0].json["data"]
    assert data["url"] == "https://patchbay.example.com/o/acme-support/endpoints/+15551234567"
