"""Provider forms: what derives from the declarations is tested for every provider that there is."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.core.naming import settings_name
from app.extensions import db
from app.models import Secret as SecretRow
from app.provider import Count, Family, PhoneNumber, Provider, ServiceHost, WebAddress
from app.providers import PROVIDERS, in_family
from app.services.audit.actions import Action
from app.services.connections import store
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.providers import active, credentials
from app.services.providers import messages as service_messages
from app.web.providers import messages
from app.web.providers.views import has_own_page
from tests.support.cast import Cast
from tests.support.full_organization import BASE_URL, good_values, scope_as
from tests.support.page_checks import MARK
from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged
from tests.support.scopes import OFFLINE

ACME = "/o/acme-support"
TWILIO = PROVIDERS["twilio"]
"""For what does not depend on the declaration."""
SERVING = [
    (family, provider) for family in (Family.VOICE, Family.TELEPHONY) for provider in in_family(family)
]


def path_of(provider: Provider) -> str:
    return f"{ACME}/providers/{provider.key}"


def named(provider: Provider, values: dict[str, Any]) -> dict[str, Any]:
    """As the form names them."""
    return {settings_name(provider.key, name): value for name, value in values.items()}


def fill(portal: Portal, provider: Provider, *, again: bool = False) -> Page:
    """Saves the whole form, and shows the provider's own page."""
    portal.get(path_of(provider)).send("Save", **named(provider, good_values(provider, again=again)))
    return portal.get(path_of(provider))


def connect(portal: Portal, cast: Cast, provider: Provider) -> Page:
    """The page of a provider whose values are stored."""
    with scope_as(portal.app, cast.dana) as scope:
        credentials.save(scope, provider, good_values(provider))
    return portal.get(path_of(provider))


def stored(app: Flask, cast: Cast, provider: Provider) -> dict[str, Any]:
    with scope_as(app, cast.dana) as scope:
        state = store.load(scope, provider)
        return {declared.name: state.raw(declared) for declared in provider.typed_fields}


def test_the_form_has_every_typed_field_and_folds_optional_groups(
    dana: Portal, subtests: pytest.Subtests
) -> None:
    """A group is open if it is used or wrong. Beside the form the steps were longer than it."""
    for provider in PROVIDERS.values():
        with subtests.test(provider=provider.key):
            page = dana.get(path_of(provider))
            assert page.title == (provider.label if has_own_page(provider) else "Voice AI")
            assert page.health == "not-connected"
            for declared in provider.fields:
                name = settings_name(provider.key, declared.name)
                if declared not in provider.typed_fields:
                    assert not page.root.all("input", name=name)
                    continue
                control = page.control(name)
                modes = {Count: "numeric", PhoneNumber: "tel", WebAddress: "url"}
                assert control.get("inputmode") == modes.get(type(declared), "")
                if isinstance(declared, ServiceHost):
                    options = {option["value"]: option.text for option in control.all("option")}
                    assert options == declared.labels
                    assert tuple(options) == declared.choices
                    continue
                assert control["type"] == ("password" if declared.secret else "text")
                label = page.root.one("label", **{"for": control["id"]})
                group = provider.groups[declared.group]
                is_marked = not declared.required and any(field.required for field in group)
                assert label.text == declared.label + " optional" * is_marked
                assert declared.help in page.text
                if declared.where:
                    (link,) = page.root.one(id=control["aria-describedby"]).all("a")
                    assert link["href"] == declared.where.address
                    assert link["rel"] == "noopener noreferrer"
                assert control["value"] == str("" if declared.default is None else declared.default)

    page = dana.get(path_of(PROVIDERS["exotel"]))
    steps = [item.text for item in page.root.one("div", css="pb-cols-main").one("ol").all("li")]
    assert steps == list(PROVIDERS["exotel"].webhook_steps)

    def is_open(page: Page) -> dict[str, bool]:
        folds = page.root.one("form", css="pb-form").all("details", css="pb-optional")
        return {fold.one("summary").text: "open" in fold.attrs for fold in folds}

    page = dana.get(path_of(TWILIO))
    assert is_open(page) == {"Dialer optional": False, "Calls optional": False}
    page = page.press("Save", twilio_phone_number="+15557654321")
    assert is_open(page) == {"Dialer optional": False, "Calls optional": True}
    page = page.press("Save", 422, twilio_twiml_app_sid="wrong")
    assert is_open(page)["Dialer optional"]


def test_save_stores_replaces_clears_and_removes_values(
    app: Flask, dana: Portal, cast: Cast, thorough: bool, subtests: pytest.Subtests
) -> None:
    """Of a provider of calls, and of one of voice AI; thorough, of each."""
    for provider in PROVIDERS.values() if thorough else (TWILIO, PROVIDERS["sinch_est"]):
        with subtests.test(provider=provider.key):
            page = fill(dana, provider)
            assert stored(app, cast, provider) == good_values(provider)
            for declared in provider.typed_fields:
                name = settings_name(provider.key, declared.name)
                value = str(good_values(provider)[declared.name])
                if declared.secret:
                    assert page.value(name) == ""
                    hint = page.root.by_id(f"{page.control(name)['id']}-stored")
                    assert (hint.one("code").text, len(hint.all("time"))) == (value[-4:], 1)
                else:
                    assert page.value(name) == value
            assert MARK not in page.source
            assert MARK not in repr([event.changes for event in audit(app)])

            if provider is not TWILIO and not thorough:
                continue
            page = fill(dana, provider, again=True)
            expected: dict[str, Any] = good_values(provider, again=True)
            assert stored(app, cast, provider) == expected
            reported = [e.changes for e in audit(app) if e.action == "connection.saved"][-1]
            secrets = [declared for declared in provider.typed_fields if declared.secret]
            names = [settings_name(provider.key, declared.name) for declared in secrets]
            assert [reported[name] for name in names] == [["set", "replaced"]] * len(names)

            optional = [
                declared.name
                for declared in provider.typed_fields
                if not declared.secret and not declared.required and not isinstance(declared, ServiceHost)
            ]
            page.send("Save", **named(provider, dict.fromkeys(optional, "")))
            expected |= dict.fromkeys(optional)
            assert stored(app, cast, provider) == expected

            page = dana.get(path_of(provider))
            removed: dict[str, Any] = {f"clear_{name}": True for name in names}
            page.send("Save", **removed)
            expected |= {declared.name: None for declared in secrets}
            expected |= {name: provider.field(name).default for name in optional}  # as the form shows
            assert stored(app, cast, provider) == expected
            page = dana.get(path_of(provider))
            assert page.health in ("incomplete", "not-connected")
            assert not page.root.all("input", name=f"clear_{names[0]}")


def test_save_normalizes_a_number_or_shows_the_error_beside_its_field(
    app: Flask, dana: Portal, cast: Cast, *, thorough: bool
) -> None:
    form = dana.get(path_of(TWILIO))
    for name, typed in [
        ("twilio_account_sid", "AC123"),
        ("twilio_max_concurrent", "0"),
        ("twilio_max_concurrent", "many"),
        (settings_name("twilio", "phone_number"), "12"),
    ]:
        with unchanged(app):
            page = form.press("Save", 422, **{name: typed})
        assert page.error(name), (name, typed)
    for provider in PROVIDERS.values() if thorough else (TWILIO,):
        secret = next(declared for declared in provider.typed_fields if declared.secret)
        name, page = settings_name(provider.key, secret.name), dana.get(path_of(provider))
        wrong = (f"{MARK} with spaces", "••••abcd")
        for typed in wrong if provider is TWILIO else wrong[:1]:
            with unchanged(app):
                page = page.press("Save", 422, **{name: typed})
            assert page.error(name), (name, typed)
            assert typed not in page.source

    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"country": "IN"})
    vobiz = PROVIDERS["vobiz"]
    values = named(vobiz, good_values(vobiz) | {"phone_number": "098111 22333"})
    page = dana.get(path_of(vobiz)).press("Save", **values)
    assert messages.normalized("098111 22333", "+919811122333") in page.notes
    with unchanged(app):
        page = page.press("Save")
    assert messages.NO_CHANGES in page.notes


def test_a_secret_that_cannot_be_opened_has_to_be_entered_again(app: Flask, dana: Portal, cast: Cast) -> None:
    connect(dana, cast, TWILIO)
    with app.app_context():
        db.session.execute(update(SecretRow).values(sealed="gAAAA-broken"))
        db.session.commit()
    page = dana.get(path_of(TWILIO))
    secrets = {n: v for n, v in good_values(TWILIO).items() if TWILIO.field(n).secret}
    assert page.text.count("re-enter it") == len(secrets) > 1
    assert page.health == "incomplete"
    for elsewhere in ("/", f"{ACME}/", f"{ACME}/endpoints", f"{ACME}/voice-ai"):
        dana.get(elsewhere)
    page.send("Save", **named(TWILIO, secrets))
    assert stored(app, cast, TWILIO) == good_values(TWILIO)


def test_disable_keeps_credentials_and_links_to_numbers_that_stop(
    app: Flask, dana: Portal, cast: Cast
) -> None:
    """Deleting names the credentials."""
    connect(dana, cast, TWILIO).follow("Disable…").send(f"Disable {TWILIO.label}")
    page = dana.get(path_of(TWILIO))
    assert (page.health, page.has_link("Disable…")) == ("disabled", False)
    assert stored(app, cast, TWILIO) == good_values(TWILIO)
    with unchanged(app):
        dana.post(f"{path_of(TWILIO)}/enabled", {"csrf_token": dana.token()}, 400)
    page = page.press("Enable")
    assert page.has_link("Disable…")

    page = page.follow("Delete credentials…")
    assert page.follow("Cancel").title == TWILIO.label
    assert [one.label for one in TWILIO.typed_fields if one.label not in page.text] == []
    page.send("Delete credentials")
    assert set(stored(app, cast, TWILIO).values()) == {None}
    assert dana.get(path_of(TWILIO)).health == "not-connected"

    vobiz = PROVIDERS["vobiz"]
    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"public_base_url": BASE_URL})
    connect(dana, cast, vobiz)
    disable = f"{path_of(vobiz)}/disable"
    assert dana.get(disable).press("Disable Vobiz").notes == f"Done: {messages.disabled('Vobiz')}"
    dana.get(path_of(vobiz)).send("Enable")
    with scope_as(app, cast.dana) as scope:
        for place, agent in enumerate(("a", "a", None)):
            payload = {
                "phone_number": f"+1555123000{place}",
                "provider": "vobiz",
                "inbound_agent_name": agent,
            }
            crud.create(scope, payload | {"outbound_agent_name": "a"})
    page = dana.get(disable).press("Disable Vobiz")
    assert messages.blocked(messages.disabled("Vobiz"), 2) in page.notes
    assert len(page.follow("Show").rows()) == 2
    assert messages.enabled("Vobiz") in dana.get(path_of(vobiz)).press("Enable").notes


def test_make_default_records_the_reason(
    dana: Portal, cast: Cast, *, thorough: bool, subtests: pytest.Subtests
) -> None:
    """Thorough, for each provider of each family; else for two of agent calls, and one of the dialer."""
    was: dict[Family, str] = {}
    for family, provider in SERVING if thorough else [SERVING[0], *SERVING[-2:]]:
        with subtests.test(family=family, provider=provider.key):
            words = {Family.VOICE: "the dialer", Family.TELEPHONY: "agent calls"}[family]
            page = connect(dana, cast, provider).follow(f"Make default for {words}")
            assert page.title == f"Make {provider.label} the default for {words}?"
            assert page.data("replaces") == [was.get(family, "")]
            page = page.press(f"Make {provider.label} the default", reason="The contract begins today")
            was[family] = provider.key
            assert messages.default_set(provider.label, words) in page.notes
            assert family in page.data("default")
            assert page.root.by_id("history").all("li")[0].all("bdi")[-1].text == "The contract begins today"


def test_the_default_keeps_what_it_needs_until_it_is_disabled(app: Flask, dana: Portal, cast: Cast) -> None:
    page = connect(dana, cast, PROVIDERS["vobiz"]).follow("Make default for agent calls")
    page = page.press("Make Vobiz the default")
    assert page.data("default") == ["telephony"]
    with unchanged(app):
        page = page.press("Save", 409, clear_vobiz_auth_token=True)
    assert service_messages.default_needs("Vobiz", ["agent calls"], ["Auth token"]) in page.notes
    with scope_as(app, cast.dana) as scope:
        crud.create(scope, {"phone_number": "+15551234567", "provider": "vobiz", "inbound_agent_name": "Ann"})
    page = dana.get(path_of(PROVIDERS["vobiz"])).follow("Disable…")
    assert (page.data("default"), page.data("numbers")) == (["telephony"], ["1"])
    page = page.press("Disable Vobiz")
    assert page.data("default") == []
    assert service_messages.was_disabled("Vobiz") in page.text
    page = dana.get(f"{ACME}/active/telephony?provider=vobiz")
    with unchanged(app):
        page = page.press("Make Vobiz the default")
    assert service_messages.is_disabled("Vobiz") in page.notes


def test_undo_of_a_switch_restores_the_former_default(app: Flask, dana: Portal, cast: Cast) -> None:
    """An unknown switch or provider is not found."""
    with scope_as(app, cast.dana) as scope:
        for key in ("vobiz", "twilio"):
            credentials.save(scope, PROVIDERS[key], good_values(PROVIDERS[key]))
        active.make_active(scope, Family.TELEPHONY, "vobiz")
    page = dana.get(f"{ACME}/active/telephony?provider=twilio")
    assert page.data("replaces") == ["vobiz"]
    page = page.press("Make Twilio the default", reason="Better lines")
    page = page.follow("Undo… Made default for agent calls")
    assert page.title == "Restore Vobiz as the default?"
    assert page.data("replaces") == ["twilio"]
    assert page.value("reason") == messages.undo_reason("Better lines")
    stale = page
    page = page.press("Restore Vobiz as the default")
    assert page.title == "Vobiz"
    assert messages.default_set("Vobiz", "agent calls") in page.notes
    assert messages.undo_reason("Better lines") in page.text
    with unchanged(app):
        stale.press("Restore Vobiz as the default", 409)

    paths = [f"switches/{unknown}/undo" for unknown in ("0", "x", "99999999999999999999")]
    for key in ("unknown", "TWILIO", "twilio%00"):
        paths += [f"providers/{key}", f"providers/{key}/disconnect"]
    assert [path for path in paths if dana.raw("GET", f"{ACME}/{path}").status_code != 404] == []


@pytest.mark.usefixtures("here")
def test_pages_name_what_uses_a_provider(dana: Portal) -> None:
    assert dana.get(f"{ACME}/active/voice?provider=twilio").data("without") == ["1"]
    page = dana.get(path_of(PROVIDERS["twilio"]))
    assert page.root.one("li", **{"data-numbers": "1"}).one("bdi").text == "Reception and Sales"
    every = page.follow("All events about this").data("action")
    assert Action.PROVIDER_SWITCHED in every
    sinch = path_of(PROVIDERS["sinch"])
    for path in (sinch, f"{sinch}/disable"):
        assert dana.get(path).root.one("li", **{"data-dialers": "1"}).one("bdi").text == "Mo"
    page = dana.get(f"{path_of(PROVIDERS['twilio'])}/disconnect")
    assert page.root.one("li", **{"data-numbers": "1"}).one("bdi").text == "Reception and Sales"
    assert page.data("default") == ["voice telephony"]
    assert dana.get(f"{path_of(PROVIDERS['vobiz'])}/disconnect").data("unused") == [""]
