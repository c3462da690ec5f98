"""The list comes by itself, and what is ticked is imported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from devtools.server import Server, served
from simulators.twilio import Twilio


@pytest.fixture(scope="module")
def twilio() -> Iterator[Twilio]:
    with Twilio() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, twilio: Twilio) -> Iterator[Server]:
    upstreams = ",".join(f"{host}={base}" for host, base in twilio.upstreams.items())
    with served(tmp_path_factory.mktemp("server"), {"PATCHBAY_UPSTREAMS": upstreams}) as server:
        yield server


def test_all_unmapped_numbers_are_ticked_and_imported(dana: Page, twilio: Twilio) -> None:
    dana.goto("/o/acme-support/providers/twilio")
    dana.get_by_label("Account SID").fill(twilio.values["account_sid"])
    dana.get_by_label("Auth token", exact=True).fill(twilio.values["auth_token"])
    dana.get_by_role("button", name="Save").click()
    dana.get_by_role("link", name="Numbers…").click()
    expect(dana.get_by_role("row")).to_have_count(4)
    dana.get_by_role("button", name="Tick all unmapped on this page").click()
    expect(dana.get_by_text("3 selected")).to_be_visible()
    dana.get_by_role("checkbox").first.uncheck()
    expect(dana.get_by_text("2 selected")).to_be_visible()
    dana.get_by_label("Inbound agent").fill("Reception")
    dana.get_by_role("button", name="Import as endpoints").click()
    expect(dana.get_by_text("2 numbers imported.")).to_be_visible()
    expect(dana.get_by_role("row")).to_have_count(4)
    dana.get_by_label("Status").select_option("mapped")
    expect(dana.get_by_role("row")).to_have_count(3)
    expect(dana).to_have_url("/o/acme-support/providers/twilio/numbers?state=mapped")
