from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from app.core.errors import Invalid, NotFound
from app.core.sealing import Place, Sealer
from app.models import Installation, Organization, Secret, User
from app.providers import PROVIDERS
from app.services.access import totp
from app.services.connections import store
from app.services.installation import keys as installation_keys
from app.services.installation import setup
from app.services.installation.keys import KeyMismatch
from app.services.providers import credentials
from app.services.scope import Actor, Keys, Scope
from devtools.scopes import PASSWORD
from tests.support.scopes import winners

NEW = Fernet.generate_key().decode()


@pytest.fixture
def console(session, keys):
    """The command line, before there is a user."""
    return Scope(session, None, Actor(name="command line"), keys)


def _link(scope):
    token = setup.new_setup_token(scope)
    assert token is not None
    return token


SENT = {
    "organization": "Initech",
    "name": "Ann",
    "email": "ann@initech.example",
    "password": PASSWORD,
}


def test_prepare_marks_a_database_once_and_its_own_key_alone_opens_it(
    session, keys, shared_keys, console, scopes
):
    installation_keys.check_keys(session, keys.sealer)

    installation_keys.check_keys(session, Sealer([NEW, shared_keys["PATCHBAY_FERNET_KEYS"]]))

    with pytest.raises(KeyMismatch):
        installation_keys.check_keys(session, Sealer([NEW]))
    with pytest.raises(KeyMismatch):
        installation_keys.prepare(replace(console, keys=Keys(Sealer([NEW]), ())))

    with console.transaction():
        session.delete(session.get_one(Installation, 1))
    installation_keys.check_keys(session, Sealer([NEW]))
    installation_keys.prepare(console)
    mark = session.get_one(Installation, 1).key_check
    installation_keys.prepare(console)
    session.expire_all()
    assert session.get_one(Installation, 1).key_check == mark

    with scopes.of("dana") as scope, scope.transaction():
        scope.session.delete(scope.session.get_one(Installation, 1))
    task = ("dana", lambda scope: installation_keys.prepare(scope.for_organization(None)))
    assert scopes.in_parallel(*[task] * 4) == [None] * 4
    with scopes.of("dana") as scope:
        installation_keys.check_keys(scope.session, scope.keys.sealer)


def test_set_up_works_once_with_the_latest_link_also_after_a_mistake(console):
    first, token = _link(console), _link(console)
    for field, value in [
        ("organization", ""),
        ("name", ""),
        ("email", "ann"),
        ("password", "short"),
        ("role", "member"),
    ]:
        with pytest.raises(Invalid) as refused:
            setup.set_up(console, token, SENT | {field: value})
        assert [problem.field for problem in refused.value.problems] == [field]
        assert console.session.scalar(select(func.count()).select_from(Organization)) == 0

    for wrong in (first, "", "junk", "é", "\0", token + "x"):
        with pytest.raises(NotFound):
            setup.set_up(console, wrong, SENT)
    assert token not in console.session.get_one(Installation, 1).setup_token_hash
    setup.expect_setup_token(console, token)
    user = setup.set_up(console, token, SENT)
    assert (user.email, user.role) == ("ann@initech.example", "superadmin")
    for act in (
        lambda: setup.expect_setup_token(console, token),
        lambda: setup.set_up(console, token, SENT | {"email": "b@initech.example"}),
    ):
        with pytest.raises(NotFound):
            act()
    assert setup.new_setup_token(console) is None


@pytest.mark.both_databases
def test_set_up_concurrently_makes_one_superadmin(scopes):
    with scopes.of("dana") as scope, scope.transaction():
        for user in scope.session.scalars(select(User)):
            user.role = "member"
    with scopes.of("dana") as scope:
        token = _link(scope.for_organization(None))

    def set_up(email):
        return lambda scope: setup.set_up(scope.for_organization(None), token, SENT | {"email": email})

    answers = scopes.in_parallel(*[("mo", set_up(f"{n}@initech.example")) for n in range(4)])
    assert len(winners(answers)) == 1
    assert {type(answer) for answer in answers} == {User, NotFound}


# Resealing


@pytest.fixture
def sealed(acme, globex, cast):
    """Five secrets in two organizations, and one of TOTP."""
    credentials.save(acme, PROVIDERS["twilio"], {"auth_token": "sample-token-1", "account_sid": "x"})
    credentials.save(acme, PROVIDERS["elevenlabs"], {"api_key": "sample-key-2"})
    credentials.save(acme, PROVIDERS["exotel"], {"api_key": "sample-key-3", "api_token": "sample-4"})
    credentials.save(globex, PROVIDERS["vobiz"], {"auth_token": "sample-token-5"})
    totp.begin(acme, cast.mo)
    return acme


SECRETS = {"sample-token-1", "sample-key-2", "sample-key-3", "sample-4", "sample-token-5"}


def _rotated(scope, *keys):
    return replace(scope, keys=Keys(Sealer(keys), scope.keys.jwt))


def _opened(scope, cast):
    """Every secret that opens with the scope's keys, over both organizations."""
    scope.session.expire_all()
    secret_values = set()
    for organization in (cast.acme, cast.globex):
        for state in store.load_all(scope.for_organization(organization)).values():
            secret_values |= {stored.value for stored in state.secrets.values()}
    return secret_values


def _times(scope):
    scope.session.expire_all()
    return {
        row.id: row.updated_at for model in (Secret, User) for row in scope.session.scalars(select(model))
    }


def test_reseal_makes_the_new_key_open_everything_wherever_it_is_stopped(sealed, cast, shared_keys, scopes):
    """Once, and in several rotations that stop, one after the other."""
    both = _rotated(sealed, NEW, shared_keys["PATCHBAY_FERNET_KEYS"]).for_organization(None)
    alone = _rotated(sealed, NEW).for_organization(None)
    times, uri = _times(sealed), totp.pending_uri(sealed, cast.mo)
    assert installation_keys.unrotated_count(both) == 6
    assert list(installation_keys.reseal(both)) == [(n, 5) for n in range(1, 6)]
    assert installation_keys.unrotated_count(both) == 0
    assert _opened(both, cast) == SECRETS == _opened(alone, cast)
    assert totp.pending_uri(alone, cast.mo) == uri
    installation_keys.check_keys(alone.session, alone.keys.sealer)
    assert _times(sealed) == times, "no secret was entered again"
    with pytest.raises(KeyMismatch):
        installation_keys.check_keys(sealed.session, sealed.keys.sealer)
    assert list(installation_keys.reseal(both)) == []

    older = NEW
    for stopped_after in (0, 1, 5):
        newer = Fernet.generate_key().decode()
        _reseal_stopped(sealed, cast, scopes, (newer, older), stopped_after)
        older = newer


def _reseal_stopped(sealed, cast, scopes, fernet_keys, stopped_after):
    keys = Keys(Sealer(fernet_keys), ())
    with scopes.of("dana") as other:
        run = installation_keys.reseal(replace(other, keys=keys).for_organization(None))
        for _ in range(stopped_after):
            next(run)
        del run
    sealed.session.rollback()
    both = replace(sealed, keys=keys).for_organization(None)
    installation_keys.check_keys(both.session, keys.sealer)
    assert _opened(both, cast) == SECRETS
    assert installation_keys.unrotated_count(both) == 6 - stopped_after
    assert [done for done, _ in installation_keys.reseal(both)] == list(range(1, 6 - stopped_after))
    alone = _rotated(sealed, fernet_keys[0]).for_organization(None)
    assert _opened(alone, cast) == SECRETS
    assert totp.pending_uri(alone, cast.mo) is not None
    installation_keys.check_keys(alone.session, alone.keys.sealer)


def test_reseal_reports_secrets_that_no_key_opens(sealed, cast, shared_keys):
    with sealed.transaction():
        row = sealed.session.scalar(sealed.select(Secret).where(Secret.provider == "twilio"))
        row.sealed = Sealer([Fernet.generate_key().decode()]).seal("x", Place("", "", ""))
        cast.mo.totp_sealed = "broken"
    both = _rotated(sealed, NEW, shared_keys["PATCHBAY_FERNET_KEYS"]).for_organization(None)
    assert len(list(installation_keys.reseal(both))) == 5
    assert installation_keys.unrotated_count(both) == 2
    assert _opened(_rotated(sealed, NEW).for_organization(None), cast) == SECRETS - {"sample-token-1"} | {
        None
    }
    installation_keys.check_keys(sealed.session, Sealer([NEW]))


def test_reseal_keeps_a_secret_saved_meanwhile(sealed, cast, scopes, shared_keys):
    both = _rotated(sealed, NEW, shared_keys["PATCHBAY_FERNET_KEYS"]).for_organization(None)
    run = installation_keys.reseal(both)
    next(run)
    with scopes.of("gus") as gus:
        credentials.save(gus, PROVIDERS["vobiz"], {"auth_token": "sample-token-6"})
    with scopes.of("dana") as dana:
        credentials.disconnect(dana, PROVIDERS["exotel"])
    list(run)
    again = list(installation_keys.reseal(both))
    assert len(again) <= 1
    expected = {"sample-token-1", "sample-key-2", "sample-token-6"}
    assert _opened(_rotated(sealed, NEW).for_organization(None), cast) == expected
