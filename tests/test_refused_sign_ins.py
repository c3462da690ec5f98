"""Refusals of sign-ins that the edge repeats without Flask."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from flask import Flask

from app import limits
from app.core import clock
from app.core.outbound import addresses
from app.core.slots import Slots
from app.edge import Edge
from app.extensions import db
from app.models import Throttle
from app.services import rate_limits
from app.services.access import sign_in_limits
from tests.support.cast import Cast, assemble
from tests.test_edge import Client, Header

WRONG = "not the right password"


@pytest.fixture
def cast(app: Flask) -> Cast:
    return assemble(app)


@pytest.fixture
def flask(app: Flask) -> list[str]:
    """An item for each request that Flask got."""
    requests: list[str] = []
    app.before_request(lambda: requests.append("request"))
    return requests


@pytest.fixture
def client(app: Flask, cast: Cast) -> Client:
    return Client(app, edge=Edge(app, limits.limit_of(app)))


def _sign_in(client: Client, email: str, *headers: Header) -> int:
    return client.post("/api/auth/login", {"email": email, "password": WRONG}, headers)


def _limit(app: Flask, key: str, count: int) -> None:
    with app.app_context():
        db.session.add(Throttle(key=key, count=count, window_started_at=clock.now()))
        db.session.commit()


def test_limited_address_is_refused_without_flask_as_others_are_not(
    app: Flask, client: Client, flask: list[str]
) -> None:
    _limit(app, rate_limits.key("address", addresses.network("127.0.0.1")), sign_in_limits.OF_ADDRESS)
    assert [_sign_in(client, f"{number}@acme.example") for number in range(3)] == [429] * 3
    assert len(flask) == 1
    for name, value in (("x-forwarded-for", "192.0.2.1"), ("origin", "https://dialer.example")):
        assert _sign_in(client, "a@acme.example", (name.encode(), value.encode())) == 429
    assert len(flask) == 3, "these get their own refusal"


def test_limited_account_does_not_limit_its_address(app: Flask, client: Client, cast: Cast) -> None:
    _limit(app, rate_limits.key("sign-in", cast.mo.email), sign_in_limits.OF_ACCOUNT)
    assert [_sign_in(client, email) for email in (cast.mo.email, cast.dana.email)] == [429, 401]


def test_sign_in_without_a_slot_is_refused_without_flask(
    app: Flask, client: Client, flask: list[str]
) -> None:
    slots: Slots = app.extensions["patchbay_hashing"]
    with ExitStack() as stack:
        for _ in range(slots._count):
            stack.enter_context(slots.taken())
        assert [_sign_in(client, "a@acme.example") for _ in range(3)] == [503] * 3
        assert len(flask) == 1
    assert _sign_in(client, "a@acme.example") == 401
