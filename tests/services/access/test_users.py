from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import func, select

from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Stale, Unauthenticated
from app.models import ApiToken, Role, User, WebSession
from app.services import keyset
from app.services.access import passwords, recovery_codes, sessions, tokens, totp, users
from app.services.audit import search
from app.services.organizations import directory
from devtools.scopes import PASSWORD
from tests.support.cast import hashed_password
from tests.support.scopes import winners

DRAFT = {"email": " Ann@Acme.Example ", "name": "Ann", "role": "member", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch):
    """Hashing is tested with passwords; here it only costs time."""
    made_before = hashed_password()
    monkeypatch.setattr(passwords, "hash_password", lambda _password: made_before)


def _sign_in(scope, user):
    with scope.transaction():
        web = sessions.start(scope, user, user_agent="tests")
        api = tokens.create(scope, user, name="Tests", scopes=(), life=timedelta(hours=1))
    return web, api.token.id


def _is_signed_in(scope, web, token_id):
    scope.session.expire_all()
    try:
        tokens.actor(scope.session, token_id, ip="", request_id="")
    except Unauthenticated:
        return sessions.user_of(scope, web) is not None, False
    return sessions.user_of(scope, web) is not None, True


def test_create_adds_a_user_with_the_exact_password_once_concurrently(acme, monkeypatch, scopes):
    user = users.create(acme, DRAFT)
    assert (user.email, user.name, user.role) == ("ann@acme.example", "Ann", "member")
    assert user.organization_id == acme.organization.id
    assert passwords.matches(user.password_hash, PASSWORD)
    event = search.recent(acme)[0]
    assert (event.action, event.subject) == ("user.created", "ann@acme.example")
    assert PASSWORD not in str(event.changes)

    monkeypatch.setattr(passwords, "hash_password", lambda password: f"hash of {password}")
    user = users.create(acme, DRAFT | {"email": "bea@acme.example", "password": f"  {PASSWORD}  "})
    assert user.password_hash == f"hash of   {PASSWORD}  "

    payload = DRAFT | {"email": "cy@acme.example"}
    tasks = [(who, lambda scope: users.create(scope, payload)) for who in ("dana", "gus") * 3]
    answers = scopes.in_parallel(*tasks)
    assert len(winners(answers)) == 1
    assert {type(answer) for answer in answers} == {User, Conflict}


BAD_VALUES = [
    *[("email", v) for v in ["", "ann", "a@b", "a b@c.example", "a@b..example", "a@@b.example"]],
    ("email", "a\0@b.example"),
    ("email", "x" * 65 + "@b.example"),
    ("email", "a@" + "b" * 250 + ".example"),
    ("email", None),
    ("name", ""),
    ("name", "a\nb"),
    ("role", "admin"),
    ("role", None),
    ("password", "short"),
    ("password", 7),
    ("password", "ann@acme.example"),
    ("organization_id", "x"),
]


def test_create_refuses_a_bad_value_by_field_and_an_email_in_use(acme, subtests):
    for field, value in BAD_VALUES:
        with subtests.test(field=field, value=value):
            with pytest.raises(Invalid) as refused:
                users.create(acme, DRAFT | {field: value})
            assert {problem.field for problem in refused.value.problems} == {field}

    for email in ["mo@acme.example", "MO@ACME.EXAMPLE", "gus@globex.example"]:
        with pytest.raises(Conflict) as in_use:
            users.create(acme, DRAFT | {"email": email})
        assert in_use.value.code == "EMAIL_IN_USE", email
        assert (in_use.value.existing_id is None) == (email == "gus@globex.example")
    assert acme.session.scalar(select(func.count()).select_from(User)) == 3


def test_update_and_disable_refuse_others_users_and_a_stale_version(acme, cast):
    for act in (
        lambda: users.get(acme, cast.gus.id),
        lambda: users.update_user(acme, cast.gus.id, {"name": "x"}),
        lambda: users.set_disabled(acme, cast.gus.id, True),
    ):
        with pytest.raises(NotFound):
            act()
    assert [user.name for user in users.every(acme)] == ["Dana", "Mo"]

    version = cast.mo.version
    users.update_user(acme, cast.mo.id, {"name": "Maureen"}, version=version)
    assert (cast.mo.name, cast.mo.role) == ("Maureen", "member")
    with pytest.raises(Stale):
        users.update_user(acme, cast.mo.id, {"name": "Mine"}, version=version)
    with pytest.raises(Stale):
        users.set_disabled(acme, cast.mo.id, True, version=version)
    for is_active in (False, True):
        users.update_user(acme, cast.mo.id, {"is_active": is_active})
        assert users.document(cast.mo)["is_active"] is is_active
    users.update_user(acme, cast.mo.id, {"role": "superadmin"})
    assert search.recent(acme)[0].changes == {"role": ["member", "superadmin"]}
    for field in ("email", "password", "organization_id"):
        with pytest.raises(Invalid):
            users.update_user(acme, cast.mo.id, {field: "x"})


def test_disable_end_sessions_and_reset_end_what_they_should(acme, cast):
    signed_in = _sign_in(acme, cast.mo)
    others = _sign_in(acme, cast.dana)
    assert _is_signed_in(acme, *signed_in) == (True, True)
    for _ in range(2):
        users.set_disabled(acme, cast.mo.id, True)
    assert _is_signed_in(acme, *signed_in) == (False, False)
    assert _is_signed_in(acme, *others) == (True, True)
    users.set_disabled(acme, cast.mo.id, False)
    assert _is_signed_in(acme, *signed_in) == (False, False)
    actions = [event.action for event in search.recent(acme)]
    assert (actions[:2], actions.count("user.disabled")) == (["user.enabled", "user.disabled"], 1)
    with pytest.raises(Forbidden):
        users.set_disabled(acme, cast.dana.id, True)

    token, token_id = _sign_in(acme, cast.mo)
    users.end_sessions(acme, cast.mo.id)
    assert sessions.user_of(acme, token) is None
    assert acme.session.get_one(ApiToken, token_id).revoked_at is None
    with pytest.raises(Forbidden):
        users.end_sessions(acme, cast.dana.id)
    with pytest.raises(NotFound):
        users.end_sessions(acme, cast.gus.id)

    signed_in = _sign_in(acme, cast.mo)
    secret = totp.begin(acme, cast.mo).split("secret=")[1].split("&")[0]
    totp.confirm(acme, cast.mo, pyotp.TOTP(secret).now())
    users.reset(acme, cast.mo, "four black cats on a roof")
    assert _is_signed_in(acme, *signed_in) == (False, False)
    assert not totp.is_on(cast.mo)
    assert recovery_codes.remaining(acme, cast.mo) == 0
    assert search.recent(acme)[0].changes == {"two_step": ["on", "off"]}


def test_last_superadmin_stays_also_if_two_are_removed_concurrently(scopes, acme, cast):
    def demote(scope):
        return users.update_user(scope, scope.actor.user_id, {"role": "member"})

    for _ in range(5):
        answers = scopes.in_parallel(("dana", demote), ("gus", demote))
        assert len(winners(answers)) == 1
        with scopes.of("dana") as scope, scope.transaction():
            assert directory.superadmins(scope) == 1
            for user in scope.session.scalars(select(User).where(User.name != "Mo")):
                user.role = Role.SUPERADMIN

    users.set_disabled(acme.for_organization(cast.globex), cast.gus.id, True)
    with pytest.raises(Conflict) as refused:
        users.update_user(acme, cast.dana.id, {"role": "member"})
    assert refused.value.code == "LAST_SUPERADMIN"
    actor = acme.actor.__class__(name="command line")
    with pytest.raises(Conflict):
        users.set_disabled(acme.__class__(acme.session, cast.acme, actor, acme.keys), cast.dana.id, True)
    assert directory.superadmins(acme) == 1


def test_change_password_needs_the_current_one_and_ends_sessions(acme, cast):
    mine, other = _sign_in(acme, cast.dana)[0], _sign_in(acme, cast.dana)[0]
    for current, new, field in (
        ("not the current one at all", "four grey cats on a roof", "current_password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "dana@acme.example", "new_password"),
    ):
        with pytest.raises(Invalid) as refused:
            users.change_password(acme, cast.dana, current, new, session_token=mine)
        assert [problem.field for problem in refused.value.problems] == [field]
    users.change_password(acme, cast.dana, PASSWORD, "four grey cats on a roof", session_token=mine)
    assert sessions.user_of(acme, mine) is not None
    assert sessions.user_of(acme, other) is None
    assert acme.session.scalar(select(func.count()).select_from(WebSession)) == 1


def test_page_sorts_by_name_and_finds_name_or_email(acme, cast):
    with acme.transaction():
        for name, email in (("Mo", "other.mo"), ("Al_", "al"), ("Alx", "x")):
            new = users.NewUser(f"{email}@acme.example", name, "member", "")
            users.add(acme, new)
    emails, after = [], None
    for _ in range(3):
        page = users.page(acme, after=after, limit=2)
        emails += [user.email for user in page.rows]
        after = page.next
    assert after is None
    assert sorted(emails) == sorted(user.email for user in users.every(acme))
    assert emails == [user.email for user in users.every(acme)]
    assert [user.name for user in users.page(acme, "AL_").rows] == ["Al_"]
    assert [user.name for user in users.page(acme, "x@ACME").rows] == ["Alx"]
    assert users.page(acme, "gus").rows == []
    with pytest.raises(keyset.BadCursor):
        users.page(acme, after=cast.gus.id)
    assert not users.needs_search(acme)
