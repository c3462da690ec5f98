"""A real mail server on this machine. For a host that is not, the name lookup alone is moved."""

from __future__ import annotations

import ipaddress
import socket
import threading
from email.message import EmailMessage
from typing import Any

import pytest

from app.core.outbound import addresses, mail
from app.core.outbound.answer import OutboundError
from app.core.outbound.mail import Mailer, MailServer
from simulators.mail import NAME, MailCatcher
from simulators.mail.smtp import Trouble


@pytest.fixture
def catcher(monkeypatch):
    with MailCatcher() as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.authority.path))
        yield running


@pytest.fixture
def elsewhere(monkeypatch):
    """The name in the certificate is that of another machine, which is this one."""
    local = [ipaddress.ip_address("127.0.0.1")]
    monkeypatch.setattr(addresses, "look_up", lambda _host, _seconds: local)
    monkeypatch.setattr(mail, "_LOCAL", ("127.0.0.1",))


def _mail():
    message = EmailMessage()
    message["Subject"] = "Sample"
    message.set_content("Sample")
    return message


def _outcome(port, *, host=NAME, is_tls=False, user=""):
    """Returns the code of the response, or that of the error."""
    server = MailServer(host, port, is_tls, user, "sample-word" if user else "")
    try:
        return Mailer(server, "patchbay@example.com").send(_mail(), "team@example.com")
    except OutboundError as error:
        return error.code if "sample-word" not in error.message else error.message


SECURITY: dict[str, tuple[dict[str, Any], dict[str, Any], int | str]] = {
    "STARTTLS": ({}, {}, 250),
    "TLS": ({"is_tls_from_the_start": True}, {"is_tls": True}, 250),
    "with a login": ({"credentials": ("patchbay", "sample-word")}, {"user": "patchbay"}, 250),
    "no TLS": ({"trouble": Trouble.NO_TLS}, {}, "tls"),
    "no TLS where it is expected": ({}, {"is_tls": True}, "tls"),
    "expired": ({"trouble": Trouble.EXPIRED}, {}, "tls"),
    "unknown authority": ({"trouble": Trouble.SELF_SIGNED}, {}, "tls"),
    "another name": (
        {"trouble": Trouble.OTHER_NAME, "is_tls_from_the_start": True},
        {"is_tls": True},
        "tls",
    ),
    "this machine": ({"trouble": Trouble.NO_TLS}, {"host": "127.0.0.1"}, 250),
}
"""How the server behaves, how it is called, and what comes of it."""


def test_send_needs_proven_tls_and_names_what_the_server_refuses(catcher, elsewhere):
    settled = vars(catcher.behaviour) | {"trouble": None}
    outcomes = {}
    for name, (behaviour, call, _) in SECURITY.items():
        vars(catcher.behaviour).update(settled | behaviour | {"verbs": []})
        outcomes[name] = _outcome(catcher.smtp_port, **call)
        if not isinstance(outcomes[name], int):
            assert not {"AUTH", "MAIL"} & {*catcher.behaviour.verbs}, name
    assert outcomes == {name: expected for name, (_, _, expected) in SECURITY.items()}

    refusals = (
        Trouble.REJECTS_SENDER,
        Trouble.REJECTS_RECIPIENT,
        Trouble.GREYLISTS,
        Trouble.REJECTS_MESSAGE,
        Trouble.REFUSES_SIGN_IN,
    )
    outcomes = {}
    for trouble in refusals:
        catcher.behaviour.trouble = trouble
        user = "patchbay" if trouble is Trouble.REFUSES_SIGN_IN else ""
        catcher.behaviour.credentials = (user, "sample-word") if user else None
        outcomes[trouble] = _outcome(catcher.smtp_port, host="127.0.0.1", user=user)
    assert outcomes == dict.fromkeys(refusals, "refused")


def test_send_ends_at_its_deadline_and_size(monkeypatch):
    monkeypatch.setattr(mail, "DEADLINE", 0.5)
    listener = socket.create_server(("127.0.0.1", 0))
    silent = listener.getsockname()[1]
    assert _outcome(silent, host="127.0.0.1") == "timeout"

    def flood():
        peer, _ = listener.accept()
        peer, _ = listener.accept()
        with peer:
            try:
                while True:
                    peer.sendall(b"220-" + b"x" * 400 + b"\r\n")
            except OSError:
                pass

    threading.Thread(target=flood, daemon=True).start()
    monkeypatch.setattr(mail, "DEADLINE", 10.0)
    assert _outcome(silent, host="127.0.0.1") == "too_large"
    listener.close()
    assert _outcome(silent, host="127.0.0.1") == "connect"


URLS = {
    "smtp://mail.example.com": ("mail.example.com", 587, False),
    "smtps://mail.example.com": ("mail.example.com", 465, True),
    "smtp://patchbay:se%40cret@mail.example.com:2525/": ("mail.example.com", 2525, False),
    "smtp://127.0.0.1:1025": ("127.0.0.1", 1025, False),
    "http://mail.example.com": None,
    "mail.example.com": None,
    "smtp://": None,
    "smtp://patchbay@mail.example.com": None,
    "smtp://mail.example.com/path": None,
    "smtp://mail.example.com:0": None,
    "smtp://mail.example.com:70000": None,
    "smtp://mail example.com": None,
}


def test_parse_reads_usable_urls():
    parsed: dict[str, Any] = {}
    for url in URLS:
        try:
            server = MailServer.parse(url)
            parsed[url] = (server.host, server.port, server.is_tls)
        except ValueError:
            parsed[url] = None
    assert parsed == URLS
    assert MailServer.parse("smtp://patchbay:se%40cret@mail.example.com").password == "se@cret"
