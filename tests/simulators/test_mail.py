"""The mail catcher, used as smtplib uses any mail server."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import requests

from simulators.mail import NAME, MailCatcher
from simulators.mail.smtp import Trouble

SENDER, RECIPIENT = "patchbay@portal.example", "dana@meridian.example"
MARKUP = "<p>Number <b>+14155550101</b></p><script>parent.document.title = 'taken'</script>"


@pytest.fixture
def catcher() -> Iterator[MailCatcher]:
    with MailCatcher() as running:
        yield running


def message(subject: str = "A number is unhealthy: Ünïcode") -> EmailMessage:
    composed = EmailMessage()
    composed["From"], composed["To"], composed["Subject"] = SENDER, RECIPIENT, subject
    composed.set_content("First line\n.A line that begins with a dot\n")
    composed.add_alternative(MARKUP, subtype="html")
    return composed


def send(catcher: MailCatcher, *, tls: bool = True, credentials: tuple[str, str] | None = None) -> None:
    with smtplib.SMTP(NAME, catcher.smtp_port, timeout=5) as client:
        if tls:
            client.starttls(context=ssl.create_default_context(cafile=str(catcher.authority.path)))
        if credentials:
            client.login(*credentials)
        client.send_message(message())


def test_catcher_keeps_the_mail_and_shows_its_html_harmlessly(catcher: MailCatcher) -> None:
    send(catcher, tls=False)
    send(catcher)
    plain, encrypted = catcher.wait_for(2)
    assert (plain.envelope.is_encrypted, encrypted.envelope.is_encrypted) == (False, True)
    assert (plain.envelope.sender, plain.envelope.recipients) == (SENDER, (RECIPIENT,))
    assert plain.title == message()["Subject"]
    assert plain.text.splitlines() == ["First line", ".A line that begins with a dot"]
    assert plain.html.strip() == MARKUP

    page = requests.get(f"{catcher.base}/1", timeout=5)
    assert "<iframe sandbox " in page.text
    assert "<script" not in page.text
    framed = requests.get(f"{catcher.base}/1/html", timeout=5)
    assert framed.text.strip() == MARKUP
    assert framed.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert requests.get(f"{catcher.base}/3", timeout=5).status_code == 404
    assert requests.get(catcher.base, headers={"Host": "rebound.example"}, timeout=5).status_code == 404


def test_catcher_speaks_tls_from_the_start_and_signs_in(catcher: MailCatcher) -> None:
    catcher.behaviour.is_tls_from_the_start = True
    catcher.behaviour.credentials = ("patchbay", "sample-password")
    context = ssl.create_default_context(cafile=str(catcher.authority.path))
    with smtplib.SMTP_SSL(NAME, catcher.smtp_port, timeout=5, context=context) as client:
        client.ehlo()
        assert client.docmd("MAIL", f"FROM:<{SENDER}>")[0] == 530
        for mechanism in ("PLAIN", "LOGIN"):
            client.user, client.password = "patchbay", "sample-password"
            assert client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))[0] == 235
        client.password = "another"
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth("PLAIN", client.auth_plain)


def _outcome(catcher: MailCatcher) -> str:
    try:
        send(catcher)
    except (smtplib.SMTPException, OSError) as error:
        return f"{type(error).__name__} {getattr(error, 'smtp_code', '')}".strip()
    return "sent"


def test_catcher_misbehaves_as_chosen(catcher: MailCatcher) -> None:
    catcher.behaviour.slowness = 0.01
    expected = {
        Trouble.SLOW: "sent",
        Trouble.NO_TLS: "SMTPNotSupportedError",
        Trouble.SELF_SIGNED: "SSLCertVerificationError",
        Trouble.EXPIRED: "SSLCertVerificationError",
        Trouble.OTHER_NAME: "SSLCertVerificationError",
        Trouble.REJECTS_SENDER: "SMTPSenderRefused 550",
        Trouble.REJECTS_RECIPIENT: "SMTPRecipientsRefused",
        Trouble.GREYLISTS: "SMTPRecipientsRefused, then sent",
        Trouble.BUSY: "SMTPConnectError 421",
        Trouble.REJECTS_MESSAGE: "SMTPDataError 554",
        Trouble.CLOSES_AFTER_DATA: "SMTPServerDisconnected",
    }
    outcomes = {}
    for trouble in expected:
        catcher.behaviour.trouble = trouble
        outcomes[trouble] = _outcome(catcher)
        if trouble is Trouble.GREYLISTS:
            outcomes[trouble] += f", then {_outcome(catcher)}"
    assert outcomes == expected
    assert set(Trouble) - set(expected) == {Trouble.HANG, Trouble.GIGABYTE, Trouble.REFUSES_SIGN_IN}

    with MailCatcher() as hanging:
        hanging.behaviour.trouble = Trouble.HANG
        with pytest.raises(smtplib.SMTPServerDisconnected):
            smtplib.SMTP(NAME, hanging.smtp_port, timeout=0.2)

    catcher.behaviour.trouble = Trouble.GIGABYTE
    with socket.create_connection((NAME, catcher.smtp_port), 5) as client, client.makefile("rb") as lines:
        assert {next(lines)[:4] for _ in range(1000)} == {b"220-"}
