"""Password links by mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from simulators.mail import MailCatcher
from tests.support.pages import Page, Portal

URL = "https://portal.acme.example"
NEW: dict[str, Any] = {"name": "Ines", "email": "ines@acme.example", "role": "member"}


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


def invite(portal: Portal) -> Page:
    return portal.get("/o/acme-support/people/new").press("Create invitation", **NEW)


def test_invitation_is_mailed_with_the_link_that_is_shown(dana: Portal, catcher: MailCatcher) -> None:
    page = invite(dana)
    link = page.root.one(css="pb-once").one("code").text
    assert link.startswith(f"{URL}/choose-password#")
    (mail,) = catcher.wait_for(1)
    assert mail.message["To"] == "ines@acme.example"
    assert re.findall(r"https://\S+", mail.text) == [link]
    assert "ines@acme.example" in page.notes


def test_failed_mail_leaves_the_link_to_copy(dana: Portal, catcher: MailCatcher) -> None:
    catcher.__exit__(None, None, None)
    page = invite(dana)
    assert page.root.all(css="pb-warn")
    assert page.root.one(css="pb-once").one("code").text.startswith(URL)
