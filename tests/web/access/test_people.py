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
from app.services.numbers import assignments
from app.services.scope import Actor
from app.web.access import messages
from devtools.html import Element
from devtools.scopes import PASSWORD
from tests.support.caller import Caller
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
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


def issue(portal: Portal, path: str, **typed: Any) -> Page:
    values = {"name": "Dialer in Pune", "your_password": PASSWORD} | typed
    return portal.get(path).press("Create token", **values)


def last_events(app: Flask, count: int) -> list[str]:
    return [event.action for event in audit(app)][-count:]


def invite(portal: Portal) -> Page:
    return portal.get(f"{PATH}/new").press("Create invitation", **DRAFT)


def link_of(page: Page) -> str:
    """The link that a page shows once."""
    return page.root.one(css="pb-once").one("code").text


def choose(portal: Portal, link: str, password: str, status: int = 200) -> Page:
    """Opens a link as a browser without JavaScript does, and sends a password."""
    address, token = link.removeprefix("https://localhost").split("#")
    page = portal.get(address).press("Continue", key=token)
    return page.press("Set password and sign in", status, new_password=password)


def test_invitation_expires_is_replaced_and_accepted(app: Flask, dana: Portal, anonymous: Portal) -> None:
    page = invite(dana)
    assert page.answer.headers["Cache-Control"] == "no-store"
    link = link_of(page)
    assert link.split("#")[1] not in repr(dump(app))
    assert link not in page.follow("Done").source
    assert dana.get(PATH).data("state") == ["active", "invited", "active"]
    with app.app_context():
        db.session.execute(update(PasswordLink).values(expires_at=clock.now()))
        db.session.commit()
    page = dana.get(PATH)
    assert page.data("state") == ["active", "expired", "active"]
    address, token = link.removeprefix("https://localhost").split("#")
    anonymous.get(address).press("Continue", 404, key=token)

    link = link_of(page.follow("Ines").follow("Invite again…").press("Create link"))
    page = choose(anonymous, link, "short", 422)
    for weak in ("ines@acme.example", ""):
        assert page.error("new_password")
        page = page.press("Set password and sign in", 422, new_password=weak)
    assert page.error("new_password")
    assert choose(anonymous, link, CHOSEN).title == "Your account"
    assert dana.get(PATH).data("state") == ["active"] * 3
    assert Portal(app).sign_in("ines@acme.example", CHOSEN).title == "Your account"
    actions = [event.action for event in audit(app)]
    assert actions[-6:-1] == [
        *("user.created", "user.invited", "user.invited"),
        *("invitation.accepted", "signed-in"),
    ]


def test_links_that_do_not_work_are_all_the_same_page(
    app: Flask, dana: Portal, anonymous: Portal, cast: Cast
) -> None:
    links = {"unknown": "https://localhost/choose-password#no-such-token"}
    links["replaced"] = link_of(reset(dana, of(cast)))
    links["cancelled"] = link_of(reset(dana, of(cast)))
    dana.get(of(cast)).send("Cancel link")
    links["used"] = link_of(reset(dana, of(cast)))
    choose(Portal(app), links["used"], CHOSEN)
    links["of a disabled user"] = link_of(reset(dana, of(cast)))
    dana.get(of(cast)).press("Disable Mo").send("Enable Mo")
    pages = set()
    for link in links.values():
        address, token = link.removeprefix("https://localhost").split("#")
        page = anonymous.get(address).press("Continue", 404, key=token)
        pages.add((page.title, page.error("key"), page.text))
    assert len(pages) == 1, pages


def test_sessions_of_another_user_are_ended_or_they_are_disabled(
    app: Flask, dana: Portal, mo: Portal, cast: Cast
) -> None:
    """One by one or all. Disabling ends tokens too, for ever."""
    jwt = JWT.findall(issue(dana, of(cast)).source)[0]
    page = dana.get(of(cast))
    (row,) = page.root.by_id("sessions").one("tbody").all("tr")
    page.send(row.one("button").text)
    assert not mo.is_signed_in()
    assert last_events(app, 1) == ["session.ended"]

    mo.sign_in(cast.mo.email)
    page = dana.get(of(cast)).press("Sign out Mo everywhere")
    assert messages.signed_out_everywhere("Mo") in page.notes
    assert page.root.by_id("sessions").all("tr") == []
    assert not mo.is_signed_in()
    assert Caller(app, jwt).get("/api/calls/providers").status_code == 200
    assert last_events(app, 1) == ["sessions.ended"]

    mo.sign_in(cast.mo.email)
    caller = Caller(app, jwt)
    assert caller.get("/api/calls/providers").status_code == 200
    page = dana.get(of(cast)).press("Disable Mo", reason="Left us")
    assert messages.user_disabled("Mo") in page.notes
    assert audit(app)[-1].changes == {"reason": [None, "Left us"]}
    assert not page.has_button("Create token")
    assert not mo.is_signed_in()
    assert caller.get("/api/calls/providers").status_code == 401
    assert dana.get(PATH).data("state") == ["active", "disabled"]
    page = page.press("Enable Mo")
    assert messages.user_enabled("Mo") in page.notes
    assert caller.get("/api/calls/providers").status_code == 401
    assert mo.sign_in(cast.mo.email).title == "Your account"


def test_reset_and_sign_out_of_oneself_are_refused(app: Flask, dana: Portal, cast: Cast) -> None:
    own = f"{PATH}/{cast.dana.id}"
    page = dana.get(own)
    assert not page.root.by_id("sessions").all("button")
    assert not page.has_link("Reset password…")
    submitted = {"csrf_token": dana.token(), "your_password": PASSWORD}
    with unchanged(app, but=("sessions",)):
        page = dana.post(f"{own}/link", submitted, 403)
        summary = page.root.one("div", css="pb-summary")
        assert summary.one("strong").text == access_messages.NOT_YOUR_PASSWORD
        assert summary.all("li") == []
        page = dana.post(f"{own}/sessions/end", submitted)
        assert access_messages.NOT_YOUR_SESSIONS in page.notes


def test_add_person_shows_each_error_beside_its_field(app: Flask, dana: Portal) -> None:
    form = dana.get(f"{PATH}/new")
    for field, typed, status in [
        ("name", "", 422),
        ("email", "ines", 422),
        ("role", "owner", 422),
        ("email", "MO@acme.example", 409),
        ("email", "gus@globex.example", 409),
    ]:
        with unchanged(app):
            page = form.press("Create invitation", status, **(DRAFT | {field: typed}))
        assert page.error(field), (field, typed)
        assert "Globex" not in page.text


def test_save_changes_name_and_role_from_the_page_of_another_form(
    dana: Portal, cast: Cast, mo: Portal
) -> None:
    """A refused form of the page has an address of its own. A name from right to left is isolated."""
    page = give(dana, cast, "12", 422)
    assert page.path != of(cast)
    page = page.press("Save", name="שרה")
    assert (page.path, page.title) == (of(cast), "שרה")
    assert page.root.one("title").text == "\u2068שרה\u2069 · Acme Support · Patchbay"
    assert messages.user_saved("שרה", revoked=False) in page.notes

    page = dana.get(of(cast)).press("Save", name="Moritz", role="superadmin")
    assert page.notes == f"Done: {messages.user_saved('Moritz', revoked=False)}"
    assert page.value("role") == "superadmin"
    assert not page.has_button("Create token")
    assert mo.get("/").title == "Organizations"


def test_numbers_are_assigned_listed_and_made_the_default(
    app: Flask, dana: Portal, mo: Portal, cast: Cast
) -> None:
    assert mo.get("/account").root.by_id("numbers").all("tr") == []
    page = dana.get(of(cast))
    assert (folds(page)["Assign number…"], folds(page)["Create token…"]) == (False, False)
    for query in ["number=%22%3E%3Cb%3E&provider=x&label=y", "provider=sinch", "number="]:
        with unchanged(app):
            dana.get(f"{of(cast)}?{query}")
    with unchanged(app):
        page = give(dana, cast, "12", 422)
    assert page.error("phone_number")
    assert (folds(page)["Assign number…"], folds(page)["Create token…"]) == (True, False)

    page = give(dana, cast, "+15557654321", label="Desk", provider="twilio")
    assert messages.number_assigned("+1 555-765-4321", "Mo") in page.notes
    with unchanged(app):
        assert give(dana, cast, "+15557654321", 409, provider="twilio").error("phone_number")
    page = give(dana, cast, "+15557654322", provider="twilio")
    assert [(row["data-number"], "data-default" in row.attrs) for row in number_rows(page)] == [
        ("+15557654321", True),
        ("+15557654322", False),
    ]
    assert number_rows(page)[0].one("th").text == "+1 555-765-4321 Desk"
    page = page.press("Make default: +15557654322")
    assert messages.default_set("+1 555-765-4322") in page.notes
    assert page.has_button("Make default: +15557654321")
    for shown in number_rows(page), number_rows(mo.get("/account")):
        assert ["data-default" in row.attrs for row in shown] == [False, True]
        assert [row.all("td")[0].text for row in shown] == ["Twilio", "Twilio"]


def ends_default(page: Page) -> bool:
    return bool(page.data("default"))


def number_rows(page: Page) -> list[Element]:
    return page.root.by_id("numbers").one("tbody").all("tr")


def folds(page: Page) -> dict[str, bool]:
    summaries = page.root.all("summary")
    return {summary.text: "open" in summary.parent.attrs for summary in summaries if summary.parent}


def test_unassign_confirms_promotes_the_next_and_links_to_assign_again(
    app: Flask, dana: Portal, cast: Cast
) -> None:
    with scope_as(app, cast.dana) as scope:
        for number, label in (("+15551234567", "Desk"), ("+15551234568", None)):
            assignment = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": number, "label": label}
            assignments.assign(scope, assignment)
    page = dana.get(of(cast))
    with unchanged(app):
        confirmation = page.follow("Unassign… +15551234567")
        assert not ends_default(page.follow("Unassign… +15551234568"))
    assert ends_default(confirmation)
    page = confirmation.press("Unassign number", reason="On leave")
    assert messages.number_unassigned("+1 555-123-4567", "Mo") in page.notes
    assert [(row["data-number"], "data-default" in row.attrs) for row in number_rows(page)] == [
        ("+15551234568", True)
    ]
    assert audit(app)[-1].changes == {
        "sinch": ["+15551234567", None],
        "label": ["Desk", None],
        "reason": [None, "On leave"],
    }
    page = page.follow("Give it back…")
    assert (page.value("phone_number"), page.value("label")) == ("+15551234567", "Desk")
    page = page.press("Assign number")
    assert messages.number_assigned("+1 555-123-4567", "Mo") in page.notes
    assert "On leave" in page.root.by_id("history").text


def test_create_token_shows_it_once_or_the_error(
    app: Flask, dana: Portal, cast: Cast, *, thorough: bool
) -> None:
    """Only those of superadmins can have the scope of secrets."""
    form = dana.get(of(cast))
    values = {"name": "x", "expires_days": "9", "your_password": PASSWORD}
    wrong = [("your_password", "a wrong password at that"), ("name", " "), ("expires_days", "0")]
    more = [("your_password", ""), ("expires_days", "x"), ("expires_days", "99999")]
    for field, typed in [*wrong, *more] if thorough else wrong:
        page = form.press("Create token", 422, **values | {field: typed})
        assert page.root.all(css="pb-summary"), (field, typed)
        assert dump(app)["api_tokens"] == []
    submitted = values | {"csrf_token": dana.token(), "scope": "y"}
    assert dana.raw("POST", f"{of(cast)}/tokens", data=submitted).status_code == 422
    assert dump(app)["api_tokens"] == []
    page = issue(dana, f"{PATH}/{cast.dana.id}", scope=True)
    assert "Can read" in page.follow("Done").text

    assert not dana.get(of(cast)).root.all("input", name="scope")
    page = issue(dana, of(cast))
    token, of_whom = page.root.one("header", css="pb-head").all("bdi")[-2:]
    assert (token.text, of_whom.text) == ("Dialer in Pune", "Mo")
    assert page.answer.headers["Cache-Control"] == "no-store"
    (jwt,) = set(JWT.findall(page.source))
    assert Caller(app, jwt).get("/api/calls/providers").status_code == 200
    listed = page.follow("Done")
    assert listed.has_button("Revoke Dialer in Pune")
    for path in (of(cast), PATH, "/o/acme-support/audit", "/account"):
        assert jwt not in dana.get(path).source
    assert jwt not in repr(dump(app))
    listed = listed.press("Revoke Dialer in Pune", reason="Lost laptop")
    assert messages.token_revoked("Dialer in Pune") in listed.notes
    assert audit(app)[-1].changes == {"name": ["Dialer in Pune", None], "reason": [None, "Lost laptop"]}
    assert Caller(app, jwt).get("/api/calls/providers").status_code == 401


def reset(portal: Portal, path: str, **typed: Any) -> Page:
    return portal.get(f"{path}/link").press("Create link", **typed)


def test_reset_changes_nothing_before_the_link_is_used(
    app: Flask, dana: Portal, mo: Portal, anonymous: Portal, cast: Cast
) -> None:
    """And keeps two-step sign-in, unless that is selected."""
    jwt = JWT.findall(issue(dana, of(cast)).source)[0]
    page = dana.get(of(cast)).follow("Reset password…").press("Create link")
    assert mo.is_signed_in()
    assert choose(anonymous, link_of(page), CHOSEN).title == "Your account"
    assert not mo.is_signed_in()
    assert Caller(app, jwt).get("/api/calls/providers").status_code == 401
    assert mo.sign_in(cast.mo.email, CHOSEN).title == "Your account"
    event = next(event for event in audit(app) if event.action == "password.reset")
    assert (event.actor_id, event.changes) == (cast.mo.id, {"link_by": [None, cast.dana.email]})

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
    assert set_by_another(dana.get(person)) == ["dana@acme.example"]
    page = anonymous.sign_in("ines@acme.example", CHOSEN)
    assert messages.password_set_by("dana@acme.example") in page.notes
    page = anonymous.get("/account")
    set_by = messages.password_set_by("dana@acme.example").partition(".")[0]
    assert set_by in page.notes
    chosen: dict[str, Any] = {"current_password": CHOSEN, "new_password": "a lamp in the south window"}
    page.send("Change password", **chosen)
    assert set_by not in anonymous.get("/account").text
    assert set_by_another(dana.get(person)) == []


def set_by_another(page: Page) -> list[str]:
    """Who set the password of a person who has not changed it since."""
    return [element.text for element in page.root.all("bdi") if "data-password-by" in element.attrs]


def test_many_people_are_searched_and_paged(app: Flask, dana: Portal, cast: Cast) -> None:
    page = dana.get(PATH)
    assert not page.has_button("Search")
    assert [row.split()[:3] for row in page.rows()] == [
        ["Dana", "dana@acme.example", "Superadmin"],
        ["Mo", "mo@acme.example", "Member"],
    ]
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
    none = page.press("Search", q="gus")
    assert (none.root.all("tbody"), none.link("Show all people")["href"]) == ([], PATH)
    dana.get(f"{PATH}?after={cast.gus.id}", 400)
