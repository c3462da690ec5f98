"""/api/organizations: the tenants, their users and tokens, and what was done in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.services.audit import search
from devtools.scopes import PASSWORD
from tests.support import contract
from tests.support.caller import Caller, fields
from tests.support.cast import Cast, issue
from tests.support.rows import unchanged

ORGANIZATIONS = "/api/organizations"
ENDPOINTS = "/api/settings/endpoints"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
NEW_USER = {"email": "ned@acme.example", "name": "Ned", "role": "member", "password": PASSWORD}


@pytest.fixture
def here(cast: Cast) -> str:
    return f"{ORGANIZATIONS}/{cast.acme}"


@pytest.fixture
def fresh(app: Flask, cast: Cast) -> Caller:
    """Dana, who has just signed in."""
    return Caller(app, issue(app, cast.dana, is_sign_in=True).jwt)


def test_organizations_are_listed_created_and_changed(dana: Caller, cast: Cast) -> None:
    response = dana.post(ORGANIZATIONS, {"name": "Initech"})
    assert response.status_code == 201
    created = response.get_json()
    assert (created["slug"], created["country"], created["version"]) == ("initech", None, 1)
    names = [row["name"] for row in dana.get(ORGANIZATIONS).get_json()]
    assert names == ["Acme Support", "Globex", "Initech"]
    changes = {"name": "Initech BV", "country": "nl", "public_base_url": "https://voice.initech.example/"}
    changed = dana.put(
        f"{ORGANIZATIONS}/{created['id']}", changes, headers={"If-Match": response.headers["ETag"]}
    )
    expected = created | changes | {"country": "NL", "public_base_url": "https://voice.initech.example"}
    assert changed.get_json().items() >= (expected | {"version": changed.get_json()["version"]}).items()
    assert dana.get(f"{ORGANIZATIONS}/{created['id']}").get_json() == changed.get_json()


def test_users_are_paged_created_and_changed(app: Flask, dana: Caller, fresh: Caller, here: str) -> None:
    response = fresh.post(f"{here}/users", NEW_USER)
    assert response.status_code == 201
    ned = response.get_json()
    assert ned == {
        "id": ned["id"],
        "email": "ned@acme.example",
        "name": "Ned",
        "role": "member",
        "is_active": True,
        "two_step_sign_in": False,
        "last_signed_in_at": None,
        "created_at": ned["created_at"],
        "version": 1,
        "voice_phone_numbers": [],
        "invitation": None,
    }
    number = {"userId": ned["id"], "provider": "sinch", "phoneNumber": "+14165550100"}
    dana.post(f"{here}/phone-numbers", number)
    first = dana.get(f"{here}/users?limit=2")
    assert [user["name"] for user in first.get_json()] == ["Dana", "Mo"]
    last = dana.get(first.headers["Link"].removeprefix("<http://localhost").partition(">")[0])
    assert [user["name"] for user in last.get_json()] == ["Ned"]
    assert "Link" not in last.headers
    assert last.get_json()[0]["voice_phone_numbers"][0]["phoneNumber"] == "+14165550100"
    assert [user["name"] for user in dana.get(f"{here}/users?q=MO@").get_json()] == ["Mo"]
    off = dana.put(f"{here}/users/{ned['id']}", {"name": "Neddy", "is_active": False})
    assert (off.get_json()["name"], off.get_json()["is_active"]) == ("Neddy", False)


def test_user_is_invited_and_conflicts_have_codes(
    app: Flask, dana: Caller, fresh: Caller, cast: Cast, here: str
) -> None:
    invited = {name: value for name, value in NEW_USER.items() if name != "password"}
    ned = fresh.post(f"{here}/users", invited).get_json()
    again = fresh.post(f"{here}/users/{ned['id']}/password-link", {})
    assert again.status_code == 201
    reset = fresh.post(f"{here}/users/{cast.mo.id}/password-link", {"ends_two_step": True}).get_json()
    links = [ned["invitation"], again.get_json(), reset]
    assert [link["purpose"] for link in links] == ["invitation", "invitation", "reset"]
    assert {link["url"].partition("#")[0] for link in links} == {"http://localhost/choose-password"}
    assert len({link["url"] for link in links}) == 3
    with unchanged(app):
        own = fresh.post(f"{here}/users/{cast.dana.id}/password-link", {})
        assert (own.status_code, own.get_json()["code"]) == (403, "FORBIDDEN")
        bad = fresh.post(f"{here}/users/{cast.mo.id}/password-link", {"ends_two_step": "maybe"})
        assert fields(bad) == {"ends_two_step"}

    with unchanged(app):
        own = fresh.post(f"{here}/users", NEW_USER | {"email": cast.mo.email})
        assert (own.status_code, own.get_json()["existing_id"]) == (409, cast.mo.id)
        foreign = fresh.post(f"{here}/users", NEW_USER | {"email": cast.gus.email})
        assert (foreign.get_json()["code"], "existing_id" in foreign.get_json()) == ("EMAIL_IN_USE", False)
        oneself = dana.put(f"{here}/users/{cast.dana.id}", {"is_active": False})
        assert (oneself.status_code, oneself.get_json()["code"]) == (403, "FORBIDDEN")
    globex = f"{ORGANIZATIONS}/{cast.globex}/users/{cast.gus.id}"
    assert dana.put(globex, {"is_active": False}).status_code == 200
    demoted = fresh.put(f"{here}/users/{cast.dana.id}", {"role": "member"})
    assert (demoted.status_code, demoted.get_json()["code"]) == (409, "LAST_SUPERADMIN")


def test_tokens_are_created_used_and_revoked(
    app: Flask, dana: Caller, fresh: Caller, cast: Cast, here: str
) -> None:
    path = f"{here}/users/{cast.mo.id}/tokens"
    response = fresh.post(path, {"name": "Dialer", "expires_days": 30})
    assert response.status_code == 201
    created = response.get_json()
    jwt = created.pop("token")
    assert (created.pop("token_type"), created["scopes"], created["is_sign_in"]) == ("Bearer", [], False)
    assert Caller(app, jwt).get("/api/me").get_json()["user"]["id"] == cast.mo.id
    listed = [row for row in dana.get(path).get_json() if row["id"] == created["id"]]
    assert listed == [created | {"last_used_at": listed[0]["last_used_at"]}]
    assert dana.delete(f"{path}/{created['id']}").status_code == 204
    assert dana.get(f"{path}/{created['id']}").get_json()["revoked_at"] is not None
    assert Caller(app, jwt).get("/api/me").status_code == 401
    with unchanged(app):
        assert dana.delete(f"{path}/{created['id']}").status_code == 204
        assert dana.delete(f"{here}/users/{cast.dana.id}/tokens/{created['id']}").status_code == 404
    assert dana.put(f"{here}/users/{cast.mo.id}", {"is_active": False}).status_code == 200
    with unchanged(app):
        disabled = fresh.post(path, {"name": "Dialer"})
        assert (disabled.status_code, disabled.get_json()["code"]) == (409, "USER_DISABLED")


def test_audit_is_paged_and_filtered(dana: Caller, here: str) -> None:
    for number in range(3):
        dana.post(ENDPOINTS, contract.ENDPOINT_EXAMPLE | {"phone_number": f"+1555123456{number}"})
    dana.post(f"{ENDPOINTS}/bulk", {"endpoints": [{"phone_number": "+15551234569", "provider": "twilio"}]})
    first = dana.get(f"{here}/audit?limit=2&action=endpoints")
    assert [event["action"] for event in first.get_json()] == ["endpoints.imported", "endpoint.created"]
    last = dana.get(first.headers["Link"].removeprefix("<http://localhost").partition(">")[0])
    assert [event["subject"] for event in last.get_json()] == ["+15551234561", "+15551234560"]
    (event,) = dana.get(f"{here}/audit?about=%2B15551234569").get_json()
    assert event["of_number"]["provider"] == [None, "twilio"]
    assert event["actor_name"] == "dana@acme.example"
    today = event["at"][:10]
    counts = {
        query: len(dana.get(f"{here}/audit?{query}").get_json())
        for query in ("who=dana", "who=unknown", "q=4560", f"from={today}&to={today}", "to=2020-01-01")
    }
    assert list(counts.values()) == [4, 0, 1, 4, 0]


BAD_QUERIES = {
    "users?limit=0": "limit",
    "users?limit=1001": "limit",
    "users?q=" + "x" * 121: "q",
    "audit?action=unknown": "action",
    "audit?from=soon": "from",
    "audit?from=20260101": "from",
    "audit?to=2026-W01-1": "to",
    "audit?to=2026-02-30": "to",
    "audit?from=2026-03-02&to=2026-03-01": "to",
    "audit?limit=x": "limit",
    "audit?form=2026-03-02": "form",
}


def test_bad_query_or_body_names_the_fields_and_changes_nothing(
    dana: Caller, here: str, app: Flask, fresh: Caller, cast: Cast
) -> None:
    fields_by_query = {query: fields(dana.get(f"{here}/{query}")) for query in BAD_QUERIES}
    assert fields_by_query == {query: {name} for query, name in BAD_QUERIES.items()}
    cursors = ["audit?cursor=x", "audit?cursor=-1", f"audit?cursor={'9' * 16}", f"users?cursor={UNKNOWN}"]
    assert [dana.get(f"{here}/{cursor}").status_code for cursor in cursors] == [400] * 4
    assert dana.get(f"{here}/audit?cursor={'9' * search.LONGEST_ID}").status_code == 200
    assert dana.get(f"{here}/audit?q={'x' * search.TEXT_LONGEST}").status_code == 200

    wrong = []
    with unchanged(app, but=("api_tokens",)):
        for method, path, payload, expected in BAD_BODIES:
            address = ORGANIZATIONS + path.format(acme=cast.acme, mo=cast.mo.id)
            named = fields(fresh.call(method, address, json=payload))
            if named != expected:
                wrong.append((method, path, payload, named))
    assert wrong == []


BAD_BODIES: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("POST", "", {}, {"name"}),
    ("POST", "", {"name": "a\nb"}, {"name"}),
    ("POST", "", {"name": "x", "slug": "x"}, {"slug"}),
    ("PUT", "/{acme}", {"country": "XX", "public_base_url": "http://x"}, {"country", "public_base_url"}),
    ("POST", "/{acme}/users", {"name": "x"}, {"email", "role"}),
    ("POST", "/{acme}/users", NEW_USER | {"role": "admin"}, {"role"}),
    ("POST", "/{acme}/users", NEW_USER | {"password": "short"}, {"password"}),
    ("PUT", "/{acme}/users/{mo}", {"is_active": "no", "role": None}, {"is_active", "role"}),
    ("PUT", "/{acme}/users/{mo}", {"password": PASSWORD}, {"password"}),
    ("POST", "/{acme}/users/{mo}/tokens", {"name": ""}, {"name"}),
    ("POST", "/{acme}/users/{mo}/tokens", {"name": "x", "expires_days": 0}, {"expires_days"}),
    ("POST", "/{acme}/users/{mo}/tokens", {"name": "x", "expires_days": "30"}, {"expires_days"}),
    ("POST", "/{acme}/users/{mo}/tokens", {"name": "x", "scopes": ["all"]}, {"scopes.0"}),
]


def test_objects_can_be_sent_back_as_they_were_read(app: Flask, dana: Caller, cast: Cast, here: str) -> None:
    """Read-only fields with another value are refused by name; another version or tag is stale."""
    number = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+14165550100"}
    dana.post(f"{here}/phone-numbers", number)
    endpoint = dana.post(ENDPOINTS, contract.ENDPOINT_EXAMPLE).get_json()["id"]
    wrong = []
    for path, writable in (
        (here, {"name", "country", "public_base_url"}),
        (f"{here}/users/{cast.mo.id}", {"name", "role", "is_active"}),
        (
            f"{here}/phone-numbers/{cast.mo.id}/sinch/+14165550100",
            {"userId", "isDefault", "isInboundEnabled", "label"},
        ),
        (
            f"{ENDPOINTS}/{endpoint}",
            {"inbound_agent_name", "outbound_agent_name", "label", "is_active"},
        ),
    ):
        with unchanged(app):
            read = dana.get(path).get_json()
            if dana.put(path, read).get_json() != read:
                wrong.append(path)
            for name in read.keys() - writable - {"version", "proven_at"}:
                for other in ("other", "" if read[name] is None else None, 5):
                    if fields(dana.put(path, read | {name: other})) != {name}:
                        wrong.append(f"{path} {name} {other}")
            # It changes by itself, so what was read before may be sent back.
            if "proven_at" in read and dana.put(path, read | {"proven_at": "other"}).get_json() != read:
                wrong.append(f"{path} proven_at")
            if dana.put(path, read | {"version": 7}).status_code != 412:
                wrong.append(f"{path} version")
        tag = dana.get(path).headers["ETag"]
        change = {min(writable & {"name", "label"}): "Another"}
        assert dana.put(path, change, headers={"If-Match": tag}).status_code == 200, path
        with unchanged(app):
            for stale in (tag, f'"{read["version"]}"', '"x"'):
                if dana.put(path, change, headers={"If-Match": stale}).status_code != 412:
                    wrong.append(f"{path} {stale}")
    assert wrong == []


def test_created_resources_are_at_their_url_whose_host_is_trusted(
    app: Flask, fresh: Caller, cast: Cast, here: str, dana: Caller, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another organization too. URLs have a host only if it can be trusted."""
    number = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+14165550100"}
    requests: list[tuple[str, dict[str, Any]]] = [
        (ORGANIZATIONS, {"name": "Initech"}),
        (f"{here}/users", NEW_USER),
        (f"{here}/users/{cast.mo.id}/tokens", {"name": "Dialer"}),
        (f"{here}/phone-numbers", number),
        (ENDPOINTS, contract.ENDPOINT_EXAMPLE),
        (f"{ENDPOINTS}?organizationId={cast.globex}", {"phone_number": "+15551234567", "provider": "twilio"}),
    ]
    for path, payload in requests:
        response = fresh.post(path, payload)
        assert response.status_code == 201, response.text
        location = response.headers["Location"].removeprefix("http://localhost")
        read = fresh.get(location)
        assert read.status_code == 200, location
        body = response.get_json()
        assert read.get_json() == {
            name: value for name, value in body.items() if not name.startswith(("token", "invitation"))
        }
        assert read.headers["ETag"] == response.headers.get("ETag", read.headers["ETag"])

    for last in range(2):
        dana.post(ENDPOINTS, contract.ENDPOINT_EXAMPLE | {"phone_number": f"+1555123456{last}"})

    def origin(host: str) -> str:
        answer = dana.get(f"{ENDPOINTS}?limit=1", headers={"Host": host})
        return answer.headers["Link"].partition("/api/")[0].removeprefix("<")

    own, others = ["localhost:2212", "127.0.0.1:2212"], ["evil.example", "localhost.evil.example", "evil["]
    assert [origin(host) for host in own] == [f"http://{host}" for host in own]
    assert [origin(host) for host in others] == ["", "", ""]
    behind_a_proxy = replace(app.extensions["patchbay_settings"], trusted_proxies=1)
    monkeypatch.setitem(app.extensions, "patchbay_settings", behind_a_proxy)
    assert origin("portal.example") == "http://portal.example"
