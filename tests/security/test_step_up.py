"""Step-up: actions that give access, or outlive the session, need the password again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import delete, update
from werkzeug.routing import Rule

from app.api.operations import OPERATIONS
from app.core import clock
from app.extensions import db
from app.models import ApiToken, Throttle, User, WebSession
from app.services.access import totp, users
from devtools.scopes import PASSWORD
from tests.security.conftest import Clients
from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.full_organization import Furnished, scope_as
from tests.support.pages import Portal
from tests.support.routes import portal_rules
from tests.support.rows import unchanged

INVITED: dict[str, Any] = {"name": "Ned", "email": "ned@acme.example", "role": "superadmin"}
NEW = INVITED | {"password": "an owl on the chimney at dusk"}
TOKEN = {"name": "Mine", "expires_days": "30"}
GUARDED: dict[str, Mapping[str, str]] = {
    "account.begin_totp": {},
    "account.change_password": {"new_password": NEW["password"]},
    "account.confirm_totp": {"code": "000000"},
    "account.issue_token": TOKEN,
    "account.renew_codes": {"code": "000000"},
    "account.disable_totp": {"code": "000000"},
    "people.create": NEW,
    "people.create_link": {},
    "people.issue_token": TOKEN,
    "people.save": {"name": "Mo", "role": "superadmin"},
    "people.set_disabled": {"disabled": "no"},
    "providers.verify": {},
    "security.save": {"needed": "yes"},
    "voice_ai.generate_tool_secret": {},
}
"""Each with what is sent, but for the password."""

NOTIFICATIONS = (
    *("acknowledge", "add_quiet_period", "create", "delete", "end_quiet_period", "mute"),
    *("replace_secret", "resend", "save", "save_limits", "send_test", "set_enabled"),
)
"""Of an organization and of the installation. A new signing secret opens nothing: it proves messages."""

FREE = {
    "account.end_other_sessions",
    "account.end_session",
    "account.download_codes",
    "account.revoke_token",
    "ai_numbers.disable",
    "ai_numbers.enable",
    "ai_numbers.read_last_calls",
    "audit_events.undo",
    "callback.point",
    "callback.move_number",
    "callback_tests.run",
    "drift.check",
    "drift.check_everywhere",
    "drift.point",
    "endpoint_imports.apply",
    "endpoint_imports.check",
    "endpoints.create",
    "endpoints.delete",
    "endpoints.save",
    "endpoints.set_active",
    "endpoints.undo",
    "home.save_base_url",
    "last_calls.read",
    "many_endpoints.apply",
    *(f"notifications.{name}{end}" for name in NOTIFICATIONS for end in ("", "_everywhere")),
    "numbers.assign",
    "numbers.import_endpoints",
    "organizations.create",
    "people.cancel_link",
    "people.end_session",
    "people.end_sessions",
    "people.assign_number",
    "people.make_default",
    "people.revoke_token",
    "people.unassign_number",
    "password_links.use",
    "providers.disconnect",
    "providers.make_active",
    "providers.save",
    "providers.set_enabled",
    "providers.undo",
    "settings.save",
    "setup.set_up",
    "sign_in.check_code",
    "sign_in.enter",
    "sign_in.leave",
    "switcher.star",
    "table_views.delete",
    "table_views.rename",
    "table_views.save",
    "voice_ai.check_webhook",
    "voice_ai.choose",
    "voice_ai.save",
    "voice_ai.set_up_webhook",
    "webhook_jobs.stop",
    "webhook_jobs.undo",
    "webhook_tests.run",
}
"""These give no access and show no secret."""

API_GUARDED = {
    "POST /api/organizations/<organization_id>/users",
    "POST /api/organizations/<organization_id>/users/<user_id>/password-link",
    "POST /api/organizations/<organization_id>/users/<user_id>/tokens",
    "PUT /api/organizations/<organization_id>/users/<user_id>",
}
"""Operations that need a token from a recent sign-in, the last of them for a role or to enable a user."""

API_FREE = {
    *(
        f"{operation} /api{owner}{path}"
        for owner in ("", "/organizations/<organization_id>")
        for operation, path in (
            ("POST", "/notifications"),
            ("PUT", "/notifications/<destination_id>"),
            ("DELETE", "/notifications/<destination_id>"),
            ("POST", "/notifications/<destination_id>/secret"),
            ("POST", "/notifications/<destination_id>/test"),
            ("POST", "/notifications/<destination_id>/deliveries/<delivery_id>/resend"),
            ("POST", "/problems/<problem_id>/acknowledge"),
            ("POST", "/quiet-periods"),
            ("DELETE", "/quiet-periods/<period_id>"),
            ("PUT", "/notification-settings"),
        )
    ),
    "DELETE /api/organizations/<organization_id>/users/<user_id>/tokens/<token_id>",
    "POST /api/organizations",
    "POST /api/settings/endpoints/bulk",
    "POST /api/settings/endpoints/point",
    "DELETE /api/settings/jobs/<job_id>",
    "POST /api/settings/jobs/<job_id>/stop",
    "POST /api/settings/endpoints/webhook-test",
    "POST /api/settings/jobs/<job_id>/undo",
    "POST /api/settings/endpoints/<endpoint_id>/last-call",
    "POST /api/settings/endpoints/<endpoint_id>/webhook-test",
    "PUT /api/organizations/<organization_id>",
    "PUT /api/organizations/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>",
    "DELETE /api/calls/providers/config/<provider>",
    "DELETE /api/organizations/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>",
    "DELETE /api/settings/endpoints/<endpoint_id>",
    "POST /api/auth/login",
    "POST /api/calls/providers/active",
    "POST /api/calls/providers/config",
    "POST /api/calls/token",
    "POST /api/calls/voice-ai/config",
    "POST /api/organizations/<organization_id>/phone-numbers",
    "POST /api/settings/endpoints",
    "POST /api/settings/endpoints/<endpoint_id>/point",
    "POST /api/settings/providers/<provider>/callback-test",
    "POST /api/settings/providers/<provider>/verify",
    "POST /api/webhook/elevenlabs/<organization_id>",
    "PUT /api/organizations/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>/ai",
    "PUT /api/settings/endpoints/<endpoint_id>",
    "PUT /api/settings/telephony",
}


def outdate_passwords(app: Flask) -> None:
    """Makes the password of every session typed too long ago, in a transaction that begins with the write."""
    with app.app_context():
        db.session.execute(update(WebSession).values(confirmed_at=None))
        db.session.commit()


@pytest.fixture
def old(app: Flask) -> None:
    outdate_passwords(app)


def _rules(app: Flask) -> list[Rule]:
    rules = [rule for rule, _, _ in portal_rules(app, unsafe=True)]
    return [rule for rule in rules if not rule.rule.startswith("/api/")]


def _send(app: Flask, here: Furnished, portal: Portal, endpoint: str, **more: str) -> Any:
    rule = next(rule for rule in _rules(app) if rule.endpoint == endpoint)
    data = {**GUARDED[endpoint], **more, "csrf_token": portal.token(), "version": "1"}
    return portal.raw("POST", here.address(rule), data=data)


def _prepare(app: Flask, cast: Cast, endpoint: str) -> None:
    """Something that the route could change, and no wrong password so far."""
    with scope_as(app, cast.dana) as scope:
        with scope.transaction(lock=False):
            scope.session.execute(delete(Throttle))
        if endpoint == "people.set_disabled":
            users.set_disabled(scope, cast.mo.id, True)
        if endpoint == "account.confirm_totp":
            totp.begin(scope, scope.session.get_one(User, cast.dana.id))


@pytest.mark.asvs("7.5.3")
def test_every_unsafe_route_is_known_and_without_the_password_harmless(
    app: Flask, here: Furnished, dana: Portal, old: None, thorough: bool
) -> None:
    """Without one or with a wrong one, in turn; thorough, with both. Wrong ones are limited, so each route
    begins without tries."""
    passwords = ["", "not the password at all"]
    for place, endpoint in enumerate(GUARDED):
        _prepare(app, here.cast, endpoint)
        for password in passwords if thorough else [passwords[place % 2]]:
            typed = {"your_password": password, "current_password": password}
            with unchanged(app, but=("throttles", "audit_events", "audit_chains", "sessions")):
                answer = _send(app, here, dana, endpoint, **typed)
            expected = (303,) if endpoint == "account.confirm_totp" else (403, 422)
            assert answer.status_code in expected, endpoint

    endpoints = {rule.endpoint for rule in _rules(app)}
    assert endpoints == FREE | set(GUARDED)
    unsafe = {f"{one.method} {one.path}" for one in OPERATIONS if one.method != "GET"}
    assert unsafe == API_FREE | API_GUARDED


@pytest.mark.asvs("7.5.3")
def test_inviting_promoting_and_enabling_a_user_needs_the_password(
    app: Flask, cast: Cast, dana: Portal, old: None
) -> None:
    """Once: then it is not too long ago."""
    person = f"/o/acme-support/people/{cast.mo.id}"
    page = dana.get(person).press("Save", name="Moritz")
    page = page.press("Save", 403, role="superadmin")
    page = dana.get(person).press("Disable Moritz")
    page = page.press("Enable Moritz", 403)
    page = page.press("Enable Moritz", 422, your_password="not the password at all")
    page = page.press("Enable Moritz", your_password=PASSWORD)
    with app.app_context():
        assert db.session.get_one(User, cast.mo.id).disabled_at is None
    page.press("Save", role="superadmin")
    dana.get("/o/acme-support/people/new").press("Create invitation", **INVITED)
    with app.app_context():
        assert db.session.get_one(User, cast.mo.id).role == "superadmin"
        tokens = db.session.query(ApiToken).filter_by(user_id=cast.mo.id, revoked_at=None)
        assert tokens.count() == 0
    outdate_passwords(app)
    another = INVITED | {"email": "ada@acme.example"}
    page = dana.get("/o/acme-support/people/new").press("Create invitation", 403, **another)
    assert page.press("Create invitation", your_password=PASSWORD).title == "Invitation link"


@pytest.mark.asvs("7.5.3")
def test_a_pending_authenticator_secret_is_not_shown_in_an_old_session(
    app: Flask, cast: Cast, dana: Portal
) -> None:
    page = dana.get("/account").press("Set up two-step sign-in", your_password=PASSWORD)
    assert page.root.all("svg")
    secret = page.source
    outdate_passwords(app)
    page = dana.get("/account")
    assert "otpauth" in secret
    assert "otpauth" not in page.source
    assert page.has_button("Set up two-step sign-in")


@pytest.mark.asvs("7.5.3")
def test_a_superadmin_cannot_issue_anothers_token(app: Flask, cast: Cast, gus: Portal, dana: Portal) -> None:
    """And by the API none that reads secrets, not even for themselves."""
    submitted = {**TOKEN, "scope": "on", "your_password": PASSWORD}
    page = gus.get(f"/o/acme-support/people/{cast.dana.id}")
    assert not page.has_button("Create token")
    with unchanged(app, but=("throttles", "sessions")):
        path = f"/o/acme-support/people/{cast.dana.id}/tokens"
        answer = gus.raw("POST", path, data=submitted | {"csrf_token": gus.token()})
    assert answer.status_code == 403
    for path in (
        f"/o/acme-support/people/{cast.dana.id}",
        f"/o/acme-support/people/{cast.mo.id}",
        "/account",
    ):
        dana.get(path).press("Create token", name="Mine", your_password=PASSWORD)
    fresh = Caller(app, issue(app, cast.dana, is_sign_in=True).jwt)
    anothers = Caller(app, issue(app, cast.gus, is_sign_in=True).jwt)
    tokens = f"/api/organizations/{cast.acme}/users/{cast.dana.id}/tokens"
    with unchanged(app, but=("api_tokens",)):
        refused = fresh.post(tokens, {"name": "Mine", "scopes": ["secrets"]})
        assert (refused.status_code, refused.get_json()["code"]) == (403, "PORTAL_ONLY")
        refused = anothers.post(tokens, {"name": "Mine"})
        assert (refused.status_code, refused.get_json()["code"]) == (403, "NOT_YOUR_TOKEN")


@pytest.mark.asvs("7.5.3")
def test_removing_a_second_step_needs_both(dana: Portal, secret: str) -> None:
    dana.sign_in("dana@acme.example", secret=secret)
    page = dana.get("/account").press("Turn off", 422, your_password=PASSWORD, code="000000")
    page = page.press("Turn off", 422, your_password="not it at all", code=pyotp.TOTP(secret).now())
    assert page.has_button("Turn off")


@pytest.mark.asvs("7.5.3")
def test_an_operation_that_opens_access_needs_a_fresh_sign_in(app: Flask, cast: Cast, api: Clients) -> None:
    """A token that a superadmin created for a program, and one from a sign-in an hour ago, are too old."""
    users_path = f"/api/organizations/{cast.acme}/users"
    mo = f"{users_path}/{cast.mo.id}"
    fresh = Caller(app, issue(app, cast.dana, is_sign_in=True).jwt)
    issued = issue(app, cast.dana, is_sign_in=True)
    old = Caller(app, issued.jwt)
    with app.app_context():
        an_hour_ago = clock.now() - timedelta(hours=1)
        db.session.execute(
            update(ApiToken).where(ApiToken.id == issued.token.id).values(created_at=an_hour_ago)
        )
        db.session.commit()
    assert old.put(mo, {"is_active": False}).status_code == 200
    requests: list[tuple[str, str, dict[str, Any], int]] = [
        ("POST", users_path, NEW, 201),
        ("POST", users_path, NEW | {"role": "member", "email": "nell@acme.example"}, 201),
        ("PUT", mo, {"is_active": True}, 200),
        ("POST", f"{mo}/password-link", {}, 201),
        ("PUT", mo, {"role": "superadmin"}, 200),
        ("POST", f"{users_path}/{cast.dana.id}/tokens", {"name": "Mine"}, 201),
    ]
    for method, path, payload, done in requests:
        with unchanged(app, but=("api_tokens",)):
            for caller in (api.dana, old):
                refused = caller.call(method, path, json=payload)
                assert (refused.status_code, refused.get_json()["code"]) == (403, "PASSWORD_NEEDED"), path
        assert fresh.call(method, path, json=payload).status_code == done, path
