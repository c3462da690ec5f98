"""Services are tested without HTTP: a session, and scopes of the cast in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from app.core.outbound.client import Outbound
from app.core.sealing import Sealer
from app.database import engine as database_engine
from app.services.connections import provisioning
from app.services.drift import hooks
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.scope import Keys, Scope
from app.services.voice_ai import recovery, webhook
from app.services.webhooks import job_results
from app.services.webhooks import recovery as webhook_recovery
from devtools.scopes import scope_of
from simulators.twilio import Twilio
from tests.support import cast as support_cast
from tests.support.accounts import connect
from tests.support.cast import Rows
from tests.support.scopes import OFFLINE, Scopes
from tests.support.statuses import BASE, NUMBER

provisioning.register(webhook.follow)  # as create_app does
hooks.register_recovery(recovery)
hooks.register_recovery(webhook_recovery)
hooks.register_listener(job_results.confirm_outcomes)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(
        database_url, **database_engine.engine_options(database_url) | {"pool_size": 25, "max_overflow": 0}
    )
    database_engine.prepare(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def keys(shared_keys: dict[str, str]) -> Keys:
    return Keys(Sealer([shared_keys["PATCHBAY_FERNET_KEYS"]]), (shared_keys["PATCHBAY_JWT_KEYS"],))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
def cast(session: Session) -> Rows:
    return support_cast.write(session)


@pytest.fixture
def acme(session: Session, cast: Rows, keys: Keys) -> Scope:
    """Dana in her own organization."""
    return scope_of(session, cast.acme, cast.dana, keys)


@pytest.fixture
def globex(session: Session, cast: Rows, keys: Keys) -> Scope:
    """Gus in his."""
    return scope_of(session, cast.globex, cast.gus, keys)


@pytest.fixture
def scopes(engine: Engine, cast: Rows, keys: Keys) -> Scopes:
    """Scopes with sessions of their own, for concurrent work."""
    return Scopes(engine, keys)


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with Twilio() as upstream:
        yield upstream


@pytest.fixture
def http(twilio: Twilio) -> Outbound:
    """Reaches Twilio alone."""
    return Outbound(twilio.upstreams, deadline=2.0)


@pytest.fixture
def connected(acme: Scope, twilio: Twilio) -> Scope:
    """Acme, with a base URL and its account at Twilio."""
    directory.update(acme, OFFLINE, {"public_base_url": BASE})
    connect(acme, "twilio", twilio.values)
    return acme


@pytest.fixture
def endpoint_id(connected: Scope) -> str:
    """The id of an endpoint whose number should call `URL`."""
    payload = {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "support"}
    return crud.create(connected, payload).id
