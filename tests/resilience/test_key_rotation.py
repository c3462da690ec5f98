"""`flask keys rotate` gets SIGKILL at each of its steps, and at any moment while the portal serves writes."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import select, update

from app import context
from app.core.sealing import Place, SealBroken, Sealer, fingerprint
from app.extensions import db
from app.models import Installation, Secret, User
from app.services.access import totp
from app.services.audit import integrity
from app.services.installation import keys as installation_keys
from app.services.organizations import directory
from app.services.scope import Actor, Keys, Scope
from devtools.clients import ApiClient
from devtools.load import Writer, superadmin, writing
from devtools.server import clean_environment, served
from tests.support.cast import assemble
from tests.support.commands import Commands
from tests.support.denominators import Report
from tests.support.full_organization import scope_as

FERNET = "PATCHBAY_FERNET_KEYS"
NEW = Fernet.generate_key().decode()
SEED = 2212
ROWS = 10


@pytest.fixture(scope="module")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    return Commands(tmp_path_factory.mktemp("commands"))


@contextmanager
def scope_with(app: Flask, *keys: str) -> Iterator[Scope]:
    """The scope of an installation that has these keys; KeyMismatch if it would not start."""
    with app.app_context():
        scope = replace(context.scope(Actor(name="tests")), keys=Keys(Sealer(keys), ()))
        installation_keys.check_keys(scope.session, scope.keys.sealer)
        yield scope
        scope.session.rollback()


def opened(app: Flask, *keys: str) -> dict[str, str | None]:
    """Every secret that is stored, by where it is; None for one that these keys do not open."""
    with scope_with(app, *keys) as scope:
        opened_secrets: dict[str, str | None] = {}
        for row in scope.session.scalars(select(Secret)):
            with suppress(SealBroken):
                place = Place(row.organization_id, row.provider, row.field)
                opened_secrets[row.field] = scope.keys.sealer.open(row.sealed, place)
        for user in scope.session.scalars(select(User).where(User.totp_sealed.is_not(None))):
            opened_secrets[user.email] = totp.pending_uri(scope, user)
        for organization in directory.every(scope):
            assert integrity.verify(scope.session, scope.keys.sealer, organization.id).fault is None
        return opened_secrets


def seal(app: Flask, key: str, *fields: str) -> None:
    """Stores a secret for each of the fields, sealed with the key."""
    with scope_with(app, NEW, key) as scope, scope.transaction(lock=False):
        owner = directory.every(scope)[0].id
        for field in fields:
            sealed = Sealer([key]).seal(f"secret of {field}", Place(owner, "vobiz", field))
            row = Secret(organization_id=owner, provider="vobiz", field=field, sealed=sealed)
            row.key_fingerprint = fingerprint(key)
            scope.session.add(row)


Sealed = list[tuple[type[Any], Any, dict[str, Any]]]


def sealed_rows(app: Flask) -> Sealed:
    """What rotation changes, to put it back as it was sealed with the old key."""
    columns = {Secret: ("sealed", "key_fingerprint"), User: ("totp_sealed",), Installation: ("key_check",)}
    with app.app_context():
        return [
            (model, row.id, {name: getattr(row, name) for name in names})
            for model, names in columns.items()
            for row in cast(Any, db.session.scalars(select(model)))
        ]


def restore(app: Flask, rows: Sealed) -> None:
    with app.app_context():
        for model, row_id, values in rows:
            db.session.execute(update(model).where(model.id == row_id).values(**values))
        db.session.commit()


@pytest.mark.thorough("test_reseal_makes_the_new_key_open_everything_wherever_it_is_stopped")
@pytest.mark.asvs("11.2.2")
def test_rotation_killed_at_any_step_loses_no_secret(
    app: Flask, environment: dict[str, str], starting: Commands, report: Report
) -> None:
    people, old = assemble(app), environment[FERNET]
    seal(app, old, "one", "two", "three")
    with scope_as(app, people.mo) as scope:
        totp.begin(scope, scope.session.get_one(User, people.mo.id))
    rows, secrets = sealed_rows(app), opened(app, old)
    both = clean_environment() | environment | {FERNET: f"{NEW},{old}"}
    tried, lost = 0, []
    while True:
        restore(app, rows)
        done = starting.run("keys", "rotate", environment=both, die_at=tried + 1)
        if done.code == 0:
            break
        assert done.code == -signal.SIGKILL, done.err
        tried += 1
        if opened(app, NEW, old) != secrets:
            lost.append(f"step {tried}, both keys")
        with scope_with(app, NEW, old) as scope:
            list(installation_keys.reseal(scope))
        if opened(app, NEW) != secrets:
            lost.append(f"step {tried}, the new key alone")
    report(
        "SIGKILL of keys rotate at each step",
        tried=tried,
        survived=tried - len(lost),
        lost=len(lost),
        of=2 * tried,
    )
    assert lost == []
    assert tried > len(secrets) * 2 == 8


class SecretWriter(Writer):
    """Replaces a secret through the API, again and again."""

    FIELD = "exotel_api_token"

    def write(self) -> None:
        client = ApiClient(self.url, self.account.token)
        value = f"token-{self.value()}-of-some-length"
        write = self.ledger.begin({self.FIELD: value})
        body = {"public_base_url": "https://voice.acme.example", self.FIELD: value}
        self.ledger.settle(write, self.count(client.call("PUT", "/api/settings/telephony", body)).status)


@pytest.mark.thorough(
    "test_reseal_keeps_a_secret_saved_meanwhile",
    "test_reseal_makes_the_new_key_open_everything_wherever_it_is_stopped",
)
def test_rotation_killed_during_saves_loses_no_secret(
    app: Flask, environment: dict[str, str], starting: Commands, full: bool, report: Report
) -> None:
    chance, tried, survived = random.Random(SEED), 20 if full else 3, 0
    both = environment | {FERNET: f"{NEW},{environment[FERNET]}"}
    with served(Path(environment["PATCHBAY_DATA"]), both | {"PATCHBAY_WORKERS": "2"}) as server:
        account = superadmin(server)
        with writing(server, account, [SecretWriter]) as load:
            for number in range(tried):
                seal(app, environment[FERNET], *(f"field_{number}_{row}" for row in range(ROWS)))
                step = chance.randint(1, 2 * ROWS)
                done = starting.run("keys", "rotate", environment=server.environment, die_at=step)
                survived += done.code == -signal.SIGKILL
                load.wait_for(1)
            server.flask("keys", "rotate")
            load.wait_for(1)
    stored = opened(app, NEW)
    comparison = load.ledger.compare({SecretWriter.FIELD: stored["api_token"]})
    report(
        "SIGKILL of keys rotate while secrets are saved",
        tried=tried,
        survived=survived,
        lost=len(comparison.lost),
        of=comparison.acknowledged,
    )
    assert comparison.wrong == {}
    assert set(load.statuses) == {200}
    assert survived == tried
    assert len([field for field, value in stored.items() if value == f"secret of {field}"]) == tried * ROWS
