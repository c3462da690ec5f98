"""People: roles, voice phone numbers, API tokens."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pyotp
from flask import Flask
from sqlalchemy import update

from app import context
from app.core import clock
from app.extensions import db
from app.models import Organization, PasswordLink, User
from app.services.access import messages as access_messages
from app.services.access import totp, users
from app.services.scope import Actor
from app.web.access import messages
from devtools.scopes import PASSWORD
from tests.support.caller import Caller
from tests.support.cast import Cast
from tests.support.pages import Page, Portal
from tests.support.rows import audit, dump, unchanged

PATH = "/o/acme-support/people"
DRAFT: dict[str, Any] = {
    "name": "Ines",
    "email": "Ines@Acme.example",
    "role": "member",
}
CHOSEN = "a lamp in the north window"
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


def of(cast: Cast) -> str:
    return f"{PATH}/{cast.mo.id}"


def give(portal: Portal, cast: Cast, number: str, status: int = 200, **typed: Any) -> Page:
    return portal.get(of(cast)).press("Assign number", status, phone_number=number, **typed)


def issue(portal: Portal, path: str, status: int = 200, **typed: Any) -> Page:
    values = {"name": "Dialer in Pune", "your_password": PASSWORD} | typed
    return portal.get(path).press("Create token", status, **values)


def last_events(app: Flask, count: int) -> list[str]:
    return [event.action for event in audit(app)][-count:]


def test_table_lists_users_with_role_and_state(dana: Portal) -> None:
    rows = dana.get(PATH).rows()
    assert [row.split()[0] for row in rows] == ["Dana", "Mo"]
    assert "dana@acme.example" in rows[0]
    assert "Superadmin" in rows[0]
    assert "Active" in rows[1]


def invite(portal: Portal, status: int = 200, **changed: Any) -> Page:
    return portal.get(f"{PATH}/new").press("Create invitation", status, **(DRAFT | changed))


def link_of(page: Page) -> str:
    """The link that a page shows once."""
    return page.root.one(css="pb-once").one("code").text


def choose(portal: Portal, link: str, password: str, status: int = 200) -> Page:
    """Opens a link as a browser without JavaScript does, and sends a password."""
    address, token = link.removeprefix("https://localhost").split("#")
    page = portal.get(address).press("Continue", key=token)
    return page.press("Set password and sign in", status, new_password=password)


def test_invited_user_chooses_a_password_and_is_signed_in(
    app: Flask, dana: Portal, anonymous: Portal
) -> None:
    page = invite(dana)
    assert page.answer.headers["Cache-Control"] == "no-store"
    link = link_of(page)
    assert link.split("#")[1] not in repr(dump(app))
    person = page.follow("Done")
    assert link not in person.source
    assert "Invited" in dana.get(PATH).rows()[1]
    done = choose(anonymous, link, CHOSEN)
    assert done.title == "Your account"
    assert "Invited" not in dana.get(PATH).rows()[1]
    assert Portal(app).sign_in("ines@acme.example", CHOSEN).title == "Your account"
    actions = [event.action for event in audit(app)]
    assert actions[-5:-1] == ["user.created", "user.invited", "invitation.accepted", "signed-in"]


def test_links_that_do_not_work_are_all_the_same_page(
    app: Flask, dana: Portal, anonymous: Portal, cast: Cast
) -> None:
    links = {"unknown": "https://localhost/choose-password#no-such-token"}
    links["replaced"] = link_of(reset(dana, of(cast)))
    links["cancelled"] = link_of(reset(dana, of(cast)))
    dana.get(of(cast)).press("Cancel link")
    links["used"] = link_of(reset(dana, of(cast)))
    choose(Portal(app), links["used"], CHOSEN)
    links["of a disabled user"] = link_of(reset(dana, of(cast)))
    dana.get(of(cast)).press("Disable Mo")
    dana.get(of(cast)).press("Enable Mo")
    seen = set()
    for link in links.values():
        address, token = link.removeprefix("https://localhost").split("#")
        page = anonymous.get(address).press("Continue", 404, key=token)
        seen.add((page.title, page.error("key"), page.text))
    assert len(seen) == 1, seen


def test_link_keeps_the_page_for_a_weak_password(app: Flask, dana: Portal, anonymous: Portal) -> None:
    link = link_of(invite(dana))
    for weak, said in [("short", "15 characters"), ("ines@acme.example", "easy to guess"), ("", "15 char")]:
        assert said in choose(anonymous, link, weak, 422).error("new_password"), weak
    assert choose(anonymous, link, CHOSEN).title == "Your account"


def test_expired_invitation_is_shown_and_can_be_replaced(app: Flask, dana: Portal, anonymous: Portal) -> None:
    link = link_of(invite(dana))
    with app.app_context():
        db.session.execute(update(PasswordLink).values(expires_at=clock.now()))
        db.session.commit()
    page = dana.get(PATH)
    assert "Invitation expired" in page.rows()[1]
    address, token = link.removeprefix("https://localhost").split("#")
    anonymous.get(address).press("Continue", 404, key=token)
    again = page.follow("Ines").follow("Invite again…").press("Create link")
    assert choose(anonymous, link_of(again), CHOSEN).title == "Your account"


def test_session_of_another_user_is_listed_and_ended(
    app: Flask, dana: Portal, mo: Portal, cast: Cast
) -> None:
    page = dana.get(of(cast))
    (row,) = page.root.by_id("sessions").one("tbody").all("tr")
    page.press(row.one("button").text)
    assert not mo.is_signed_in()
    assert last_events(app, 1) == ["session.ended"]
    own = f"{PATH}/{cast.dana.id}"
    assert not dana.get(own).root.by_id("sessions").all("button")


def test_right_to_left_name_is_isolated_in_sentences(dana: Portal) -> None:
    page = invite(dana, name="שרה").follow("Done")
    assert page.root.one("title").text == "\u2068שרה\u2069 · Acme Support · Patchbay"
    page = page.press("Disable שרה")
    assert messages.user_disabled("שרה") in page.notes


def test_add_person_shows_each_error_beside_its_field(app: Flask, dana: Portal) -> None:
    for field, typed, said in [
        ("name", "", "required"),
        ("email", "ines", access_messages.EMAIL_WITHOUT_AT),
        ("role", "owner", "Use "),
    ]:
        with unchanged(app):
            page = invite(dana, 422, **{field: typed})
        assert said in page.error(field), (field, typed, said)


def test_add_person_with_a_taken_email_is_refused(app: Flask, dana: Portal) -> None:
    for taken in ("MO@acme.example", "gus@globex.example"):
        with unchanged(app):
            page = invite(dana, 409, email=taken)
        assert access_messages.email_in_use(taken.lower()) in page.error("email")
        assert "Globex" not in page.text


def test_save_changes_name_and_role(dana: Portal, mo: Portal, cast: Cast) -> None:
    page = dana.get(of(cast)).press("Save", name="Moritz", role="superadmin")
    assert page.notes == f"Done: {messages.user_saved('Moritz', revoked=False)}"
    assert page.value("role") == "superadmin"
    assert mo.get("/").title == "Organizations"


def test_save_of_a_stale_form_shows_both_sides(app: Flask, dana: Portal, cast: Cast) -> None:
    form = dana.get(of(cast))
    form.press("Save", name="Moritz")
    with unchanged(app):
        page = form.press("Save", 412, name="Maurice")
    assert page.compared == [("Name", "Moritz", "Maurice")]
    assert page.press("Save").title == "Maurice"


def test_disable_ends_sessions_and_tokens_until_enabled(
    app: Flask, dana: Portal, mo: Portal, cast: Cast
) -> None:
    jwt = JWT.findall(issue(dana, of(cast)).source)[0]
    caller = Caller(app, jwt)
    assert caller.get("/api/calls/providers").status_code == 200
    page = dana.get(of(cast)).press("Disable Mo")
    assert messages.user_disabled("Mo") in page.notes
    assert not page.has_button("Create token")
    assert not mo.is_signed_in()
    assert caller.get("/api/calls/providers").status_code == 401
    page = page.press("Enable Mo")
    assert messages.user_enabled("Mo") in page.notes
    assert caller.get("/api/calls/providers").status_code == 401
    assert mo.sign_in(cast.mo.email).title == "Your account"


def test_assign_lists_numbers_and_makes_the_first_the_default(dana: Portal, cast: Cast) -> None:
    page = give(dana, cast, "+15557654321", label="Desk", provider="twilio")
    assert messages.number_assigned("+1 555-765-4321", "Mo") in page.notes
    page = give(dana, cast, "+15557654322", provider="twilio")
    table = page.root.one("section", id="numbers").one("table")
    assert [row.text for row in table.one("tbody").all("tr")] == [
        "+1 555-765-4321 Desk Twilio Default Unassign… +15557654321",
        "+1 555-765-4322 Twilio Make default: +15557654322 Unassign… +15557654322",
    ]
    page = page.press("Make default: +15557654322")
    assert messages.default_set("+1 555-765-4322") in page.notes
    assert page.has_button("Make default: +15557654321")


def test_unassign_confirms_first_and_promotes_the_next(app: Flask, dana: Portal, cast: Cast) -> None:
    page = give(dana, cast, "+15557654321", provider="twilio")
    give(dana, cast, "+15557654322", provider="twilio")
    requested = page.follow("Unassign… +15557654321")
    assert requested.title == "Unassign +1 555-765-4321?"
    assert "It is their default: their next number, if any, becomes the default" in requested.text
    page = requested.press("Unassign number")
    assert messages.number_unassigned("+1 555-765-4321", "Mo") in page.notes
    assert "+1 555-765-4322 Twilio Default" in page.text


def test_assign_refused_shows_the_error_beside_the_number(dana: Portal, cast: Cast, app: Flask) -> None:
    assert "country code" in give(dana, cast, "12", 422).error("phone_number")

    give(dana, cast, "+15557654321", provider="twilio")
    before = dump(app)
    page = give(dana, cast, "+15557654321", 409, provider="twilio")
    assert "already has +15557654321" in page.error("phone_number")
    assert dump(app) == before


def test_create_token_shows_it_once(app: Flask, dana: Portal, cast: Cast) -> None:
    page = issue(dana, of(cast))
    assert "“Dialer in Pune” of Mo, until " in page.text
    assert page.answer.headers["Cache-Control"] == "no-store"
    (jwt,) = set(JWT.findall(page.source))
    assert Caller(app, jwt).get("/api/calls/providers").status_code == 200
    listed = page.follow("Done")
    assert "Dialer in Pune" in listed.text
    for path in (of(cast), PATH, "/o/acme-support/audit", "/account"):
        assert jwt not in dana.get(path).source
    assert jwt not in repr(dump(app))
    listed = listed.press("Revoke Dialer in Pune")
    assert messages.token_revoked("Dialer in Pune") in listed.notes
    assert Caller(app, jwt).get("/api/calls/providers").status_code == 401


def test_create_token_refused_shows_the_error_and_makes_none(app: Flask, dana: Portal, cast: Cast) -> None:
    for field, typed in [
        ("your_password", ""),
        ("your_password", "a wrong password at that"),
        ("name", " "),
        ("expires_days", "0"),
        ("expires_days", "x"),
        ("expires_days", "99999"),
    ]:
        page = issue(dana, of(cast), 422, **{field: typed})
        assert page.root.all(css="pb-summary"), (field, typed)
        assert dump(app)["api_tokens"] == []


def test_only_superadmins_tokens_can_have_the_secrets_scope(app: Flask, dana: Portal, cast: Cast) -> None:
    page = dana.get(of(cast))
    assert not page.root.all("input", name="scope")
    path = f"{PATH}/{cast.dana.id}"
    page = issue(dana, path, scope=True)
    assert "Can read" in page.follow("Done").text
    sent = {
        "csrf_token": dana.token(),
        "name": "x",
        "expires_days": "9",
        "scope": "y",
        "your_password": PASSWORD,
    }
    assert dana.raw("POST", f"{of(cast)}/tokens", data=sent).status_code == 422
    assert len(dump(app)["api_tokens"]) == 1


def reset(portal: Portal, path: str, status: int = 200, **typed: Any) -> Page:
    return portal.get(path).follow("Reset password…").press("Create link", status, **typed)


def test_unassign_records_the_reason_and_links_to_assign_again(app: Flask, dana: Portal, cast: Cast) -> None:
    give(dana, cast, "+1 555 123 4567", provider="sinch", label="Desk")
    page = dana.get(of(cast)).follow("Unassign… +15551234567")
    page = page.press("Unassign number", reason="On leave")
    event = audit(app)[-1]
    assert event.changes == {
        "sinch": ["+15551234567", None],
        "label": ["Desk", None],
        "reason": [None, "On leave"],
    }
    page = page.follow("Give it back…")
    assert (page.value("phone_number"), page.value("label")) == ("+15551234567", "Desk")
    page = page.press("Assign number")
    assert messages.number_assigned("+1 555-123-4567", "Mo") in page.notes
    assert "Reason: On leave" in page.root.by_id("history").text


def test_disable_and_revoke_record_the_reason(app: Flask, dana: Portal, mo: Portal, cast: Cast) -> None:
    issue(dana, of(cast))
    dana.get(of(cast)).press("Revoke Dialer in Pune", reason="Lost laptop")
    assert audit(app)[-1].changes == {"name": ["Dialer in Pune", None], "reason": [None, "Lost laptop"]}
    dana.get(of(cast)).press("Disable Mo", reason="Left us")
    assert audit(app)[-1].changes == {"reason": [None, "Left us"]}
    issue(dana, f"{PATH}/{cast.dana.id}", name="Mine")
    dana.get("/account").press("Revoke Mine", reason="Not needed")
    assert audit(app)[-1].changes["reason"] == [None, "Not needed"]


def test_number_in_the_query_changes_nothing(app: Flask, dana: Portal, cast: Cast) -> None:
    for query in ["number=%22%3E%3Cb%3E&provider=x&label=y", "provider=sinch", "number="]:
        with unchanged(app):
            dana.get(f"{of(cast)}?{query}")


def test_reset_changes_nothing_before_the_link_is_used(
    app: Flask, dana: Portal, mo: Portal, anonymous: Portal, cast: Cast
) -> None:
    jwt = JWT.findall(issue(dana, of(cast)).source)[0]
    page = reset(dana, of(cast))
    assert mo.is_signed_in()
    assert choose(anonymous, link_of(page), CHOSEN).title == "Your account"
    assert not mo.is_signed_in()
    assert Caller(app, jwt).get("/api/calls/providers").status_code == 401
    assert mo.sign_in(cast.mo.email, CHOSEN).title == "Your account"
    event = next(event for event in audit(app) if event.action == "password.reset")
    assert (event.actor_id, event.changes) == (cast.mo.id, {"link_by": [None, cast.dana.email]})


def test_reset_keeps_two_step_sign_in_unless_selected(app: Flask, dana: Portal, cast: Cast) -> None:
    with app.app_context():
        scope = context.scope(Actor(name="tests"), db.session.get_one(Organization, cast.acme))
        user = db.session.get_one(User, cast.mo.id)
        secret = totp.begin(scope, user).split("secret=")[1].split("&")[0]
        totp.confirm(scope, user, pyotp.TOTP(secret).now())
    assert choose(Portal(app), link_of(reset(dana, of(cast))), CHOSEN).title == "Enter the code"
    page = reset(dana, of(cast), ends_two_step=True)
    assert choose(Portal(app), link_of(page), CHOSEN).title == "Your account"
    assert dump(app)["recovery_codes"] == []


def test_password_set_by_another_is_shown_until_changed(
    app: Flask, dana: Portal, anonymous: Portal, cast: Cast
) -> None:
    with app.app_context():
        scope = context.scope(Actor(name="command line"), db.session.get_one(Organization, cast.acme))
        new = {"name": "Ines", "email": "ines@acme.example", "role": "member", "password": CHOSEN}
        dana_there = replace(
            scope,
            actor=replace(
                scope.actor, name=cast.dana.email, user_id=cast.dana.id, password_typed_at=clock.now()
            ),
        )
        ines = users.create(dana_there, new).id
    person = f"{PATH}/{ines}"
    assert "Password set by dana@acme.example" in dana.get(person).text
    page = anonymous.sign_in("ines@acme.example", CHOSEN)
    assert messages.password_set_by("dana@acme.example") in page.notes
    page = anonymous.get("/account")
    set_by = messages.password_set_by("dana@acme.example").partition(".")[0]
    assert set_by in page.notes
    chosen: dict[str, Any] = {"current_password": CHOSEN, "new_password": "a lamp in the south window"}
    page.press("Change password", **chosen)
    assert set_by not in anonymous.get("/account").text
    assert "Password set by" not in dana.get(person).text


def test_reset_and_sign_out_of_oneself_are_refused(app: Flask, dana: Portal, cast: Cast) -> None:
    own = f"{PATH}/{cast.dana.id}"
    page = dana.get(own)
    assert not page.has_link("Reset password…")
    sent = {"csrf_token": dana.token(), "your_password": PASSWORD}
    with unchanged(app, but=("sessions",)):
        page = dana.post(f"{own}/link", sent, 403)
        assert access_messages.NOT_YOUR_PASSWORD in page.text
        page = dana.post(f"{own}/sessions/end", sent)
        assert access_messages.NOT_YOUR_SESSIONS in page.notes


def test_sign_out_everywhere_keeps_issued_tokens(app: Flask, dana: Portal, mo: Portal, cast: Cast) -> None:
    jwt = JWT.findall(issue(dana, of(cast)).source)[0]
    page = dana.get(of(cast)).press("Sign out Mo everywhere")
    assert messages.signed_out_everywhere("Mo") in page.notes
    assert "No active sessions." in page.text
    assert not mo.is_signed_in()
    assert Caller(app, jwt).get("/api/calls/providers").status_code == 200
    assert last_events(app, 1) == ["sessions.ended"]


def test_many_people_are_searched_and_paged(app: Flask, dana: Portal, cast: Cast) -> None:
    assert not dana.get(PATH).has_button("Search")
    with app.app_context():
        for number in range(users.PAGE):
            db.session.add(
                User(
                    organization_id=cast.acme,
                    email=f"person{number}@acme.example",
                    name="Ann" if number < 60 else f"Ben {number}%",
                    role="member",
                    password_hash="",
                )
            )
        db.session.commit()
    page = dana.get(PATH)
    assert len(page.rows()) == users.PAGE
    after = page.follow("Next")
    assert [row.split()[0] for row in after.rows()] == ["Dana", "Mo"]
    assert not after.has_link("Next")
    assert len({*page.rows(), *after.rows()}) == users.PAGE + 2
    assert len(after.follow("First page").rows()) == users.PAGE
    assert [row.split()[0] for row in page.press("Search", q="MO@acme").rows()] == ["Mo"]
    assert len(page.press("Search", q="ann").rows()) == 60
    assert page.press("Search", q="9%").rows()[0].startswith("Ben 69%")
    assert "No people found" in page.press("Search", q="gus").text
    dana.get(f"{PATH}?after={cast.gus.id}", 400)


def folds(page: Page) -> dict[str, bool]:
    found = page.root.all("summary")
    return {summary.text: "open" in summary.parent.attrs for summary in found if summary.parent}


def test_forms_are_folded_unless_they_have_errors(dana: Portal, cast: Cast) -> None:
    page = dana.get(f"/o/acme-support/people/{cast.mo.id}")
    assert (folds(page)["Assign number…"], folds(page)["Create token…"]) == (False, False)
    page = page.press("Assign number", 422, phone_number="12")
    assert (folds(page)["Assign number…"], folds(page)["Create token…"]) == (True, False)
