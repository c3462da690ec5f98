"""Every place that services can name is a page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask

from app.services.status.places import Place
from app.web.shell.places import place
from tests.support.full_organization import Furnished
from tests.support.routes import portal_pages

KEYS = {Place.CALLBACK: "sinch", Place.AI_NUMBERS: "sinch_est"}


def test_every_place_is_a_page(app: Flask, here: Furnished) -> None:
    ids = here.ids
    with app.test_request_context():
        addresses = {
            where: place(ids["slug"], where, KEYS.get(where, "twilio"), ids["endpoint_id"]) for where in Place
        }
        assert place("globex", Place.PROVIDER, "vobiz") == "/o/globex/providers/vobiz"
    assert addresses[Place.PROVIDER] == "/o/acme-support/providers/twilio"
    assert addresses[Place.AT_PROVIDER] == f"/o/acme-support/endpoints/{ids['endpoint_id']}/provider"
    assert addresses[Place.CALL_WEBHOOK] == "/o/acme-support/voice-ai#webhook"
    assert len(set(addresses.values())) == len(Place)
    rules = app.url_map.bind("localhost")
    pages = {rules.match(urlsplit(address).path, "GET")[0] for address in addresses.values()}
    assert pages <= {page.endpoint for page in portal_pages()}
