from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.destination import Post
from app.services.notifications import compose, delivery, derive, destinations
from app.services.notifications.delivery import Sender
from app.services.scope import Scope
from tests.support.receivers import URL, Receiver

NOW = timedelta(0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def sender(receiver: Receiver) -> Sender:
    return Sender(Post(receiver.client(deadline=2.0)), compose.no_link)


@pytest.fixture
def installation(acme: Scope) -> Scope:
    """Dana outside any organization."""
    return replace(acme, organization_or_none=None)


@pytest.fixture
def webhook(acme: Scope):
    """A webhook of Acme that receives every event."""
    return destinations.create(acme, {"kind": "webhook", "url": URL, "label": "On call"})


def read(scope: Scope) -> int:
    """Makes notifications of what has happened, without waiting for more."""
    return derive.derive(scope, quiet=NOW)


def send_all(scope: Scope, sender: Sender) -> int:
    """Sends until nothing is ready; returns how many messages were accepted."""
    count = 0
    for destination_id in delivery.ready(scope):
        while delivery.send_next(scope, sender, destination_id):
            count += 1
    return count
