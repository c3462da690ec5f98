"""Whether the connected account has a number that is being added."""

from __future__ import annotations

from flask import Flask

from app.core.outbound.client import Outbound
from simulators import SIMULATORS
from tests.support import accounts
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged

PATH = "/o/acme-support/endpoints"
OWN, OTHER = "+15551234567", "+15559999999"


def hint(page: Page) -> str | None:
    owners = [one["data-owned"] for one in page.root.all("p") if "data-owned" in one.attrs]
    return owners[0] if owners else None


def typed(portal: Portal, number: str, provider: str = "twilio") -> str:
    """The address of the lookup that the form makes then, or nothing."""
    page = portal.get(f"{PATH}/number?phone_number={number.replace('+', '%2B')}&provider={provider}")
    return next((one["hx-get"] for one in page.root.all("div", id="owned")), "")


def test_the_form_shows_whether_the_account_has_the_number(app: Flask, dana: Portal, cast: Cast) -> None:
    assert typed(dana, OWN) == "", "not connected"
    with SIMULATORS["twilio"]() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=0.5)
        with scope_as(app, cast.dana) as scope:
            accounts.connect(scope, "twilio", upstream.values)
        assert [typed(dana, OWN, "exotel"), typed(dana, "+1555"), typed(dana, OWN, "nonsense")] == [""] * 3
        own, other = typed(dana, OWN), typed(dana, OTHER)
        with unchanged(app, but=("throttles",)):
            assert [hint(dana.get(own)), hint(dana.get(other))] == ["yes", "no"]
    assert hint(dana.get(own)) == "unknown", "the provider is silent"
    assert (
        dana.get(f"{PATH}/new").press("Add endpoint", phone_number=OTHER, provider="twilio").path
        != f"{PATH}/new"
    )
