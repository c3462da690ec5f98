from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core import clock
from app.core.errors import Conflict, Forbidden, NotFound
from app.models import LinkPurpose, PasswordLink, User
from app.services.access import password_links, passwords, users
from app.services.access.step_up import RECENT, PasswordNeeded
from app.services.scope import Actor, Scope
from tests.support.cast import hashed_password

CHOSEN = "a lamp in the north window"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch):
    made_before = hashed_password()
    monkeypatch.setattr(passwords, "hash_password", lambda _password: made_before)


@pytest.fixture
def anonymous(session, keys, cast):
    return Scope(session, None, Actor(name="unauthenticated", ip="192.0.2.9"), keys)


def _works(scope, link):
    try:
        password_links.find(scope, link.token)
    except NotFound:
        return False
    return True


def test_what_ends_a_link_and_when_it_expires(acme, anonymous, cast, monkeypatch):
    """The table is of what happens to Mo, or to Dana, who created the link."""
    other = replace(acme, actor=replace(acme.actor, user_id=cast.gus.id, name=cast.gus.email))
    events = {
        "nothing": lambda: None,
        "another name": lambda: users.update_user(acme, cast.mo.id, {"name": "Moritz"}),
        "another link": lambda: password_links.create(acme, cast.mo),
        "cancelled": lambda: password_links.cancel(acme, cast.mo),
        "disabled": lambda: users.set_disabled(acme, cast.mo.id, True),
        "another role": lambda: users.update_user(acme, cast.mo.id, {"role": "superadmin"}),
        "another email": lambda: _set_email(acme, cast.mo, "moritz@acme.example"),
        "another password": lambda: users.reset(acme, cast.mo, CHOSEN),
        "creator disabled": lambda: users.set_disabled(other, cast.dana.id, True),
        "creator demoted": lambda: users.update_user(other, cast.dana.id, {"role": "member"}),
    }
    works = []
    for event, happen in events.items():
        link = password_links.create(acme, cast.mo)
        happen()
        if _works(anonymous, link):
            works.append(event)
        users.set_disabled(other, cast.mo.id, False)
        users.set_disabled(other, cast.dana.id, False)
        users.update_user(other, cast.mo.id, {"role": "member"})
        _set_email(acme, cast.mo, "mo@acme.example")
    assert works == ["nothing", "another name"]

    _, invitation = users.invite(acme, {"email": "ann@acme.example", "name": "Ann", "role": "member"})
    reset = password_links.create(acme, cast.mo)
    for link, purpose in ((invitation, LinkPurpose.INVITATION), (reset, LinkPurpose.RESET)):
        assert link.purpose is purpose
        assert link.expires_at - clock.now() <= password_links.LIFE[purpose]
        with acme.transaction():
            row = acme.session.query(PasswordLink).filter_by(purpose=purpose.value).one()
            row.expires_at = end = clock.now() + timedelta(minutes=1)
        monkeypatch.setattr(clock, "now", lambda end=end: end - timedelta(seconds=1))
        assert (_works(anonymous, link), password_links.is_expired(row)) == (True, False)
        monkeypatch.setattr(clock, "now", lambda end=end: end)
        assert (_works(anonymous, link), password_links.is_expired(row)) == (False, True)
        monkeypatch.undo()


def _set_email(scope, user, email):
    with scope.transaction():
        user.email = email


def test_create_is_refused_or_an_invitation_of_a_user_without_a_password(acme, anonymous, cast):
    with pytest.raises(Forbidden):
        password_links.create(acme, cast.dana)
    old = replace(acme, actor=replace(acme.actor, password_typed_at=clock.now() - RECENT))
    with pytest.raises(PasswordNeeded):
        password_links.create(old, cast.mo)
    users.set_disabled(acme, cast.mo.id, True)
    with pytest.raises(Conflict):
        password_links.create(acme, cast.mo)
    assert acme.session.query(PasswordLink).count() == 0

    ann, link = users.invite(acme, {"email": "ann@acme.example", "name": "Ann", "role": "member"})
    assert password_links.invitations(acme).keys() == {ann.id}
    again = password_links.create(acme, ann)
    assert again.purpose is LinkPurpose.INVITATION
    assert not _works(anonymous, link)
    checked = password_links.use(anonymous, again.token, CHOSEN)
    assert checked.user.id == ann.id
    assert password_links.invitations(acme) == {}
    assert password_links.create(acme, acme.session.get_one(User, ann.id)).purpose is LinkPurpose.RESET
