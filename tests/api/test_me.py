"""GET /api/me: the token's user, and what the token may do."""

from __future__ import annotations

from flask import Flask

from devtools.scopes import PASSWORD
from tests.support.caller import Caller
from tests.support.cast import Cast, issue


def test_me_is_the_user_and_the_own_organization(app: Flask, anonymous: Caller, cast: Cast) -> None:
    for person, organization, role, scopes in (
        (cast.dana, cast.acme, "superadmin", ["secrets"]),
        (cast.mo, cast.acme, "member", []),
    ):
        signed_in = anonymous.post("/api/auth/login", {"email": person.email, "password": PASSWORD}).json
        assert signed_in is not None
        answer = Caller(app, signed_in["token"]).get("/api/me")
        assert answer.json == {
            "user": {"id": person.id, "name": person.name, "email": person.email, "role": role},
            "organization": {"id": organization, "name": "Acme Support", "slug": "acme-support"},
            "scopes": scopes,
            "expires_at": signed_in["expires_at"],
        }
    gus = Caller(app, issue(app, cast.gus).jwt)
    elsewhere = gus.get(f"/api/me?organizationId={cast.acme}").get_json()
    assert elsewhere["organization"]["id"] == cast.globex
