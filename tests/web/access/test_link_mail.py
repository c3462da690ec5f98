"""Password links by mail."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from simulators.mail import MailCatcher
from tests.support.pages import Page, Portal

URL = "https://portal.acme.example"


@pytest.fixture
def catcher() -> Iterator[MailCatcher]:
    with MailCatcher() as running:
        yield running


@pytest.fixture
def environment(environment: dict[str, str], catcher: MailCatcher) -> dict[str, str]:
    return environment | {
        "PATCHBAY_SMTP_URL": f"smtp://127.0.0.1:{catcher.smtp_port}",
        "PATCHBAY_MAIL_FROM": "patchbay@acme.example",
        "PATCHBAY_PUBLIC_URL": URL,
    }


def invite(portal: Portal, email: str) -> Page:
    form = portal.get("/o/acme-support/people/new")
    return form.press("Create invitation", name="Ines", email=email, role="member")


def test_invitation_is_mailed_with_the_link_that_is_shown(dana: Portal, catcher: MailCatcher) -> None:
    page = invite(dana, "ines@acme.example")
    link = page.root.one(css="pb-once").one("code").text
    assert link.startswith(f"{URL}/choose-password#")
    (mail,) = catcher.wait_for(1)
    assert mail.message["To"] == "ines@acme.example"
    assert re.findall(r"https://\S+", mail.text) == [link]
    assert "ines@acme.example" in page.notes
    assert not page.root.all(css="pb-warn")

    catcher.__exit__(None, None, None)
    failed = invite(dana, "noor@acme.example")
    assert failed.root.all(css="pb-warn")
    assert failed.root.one(css="pb-once").one("code").text.startswith(URL)
