"""A small SMTP server: one transaction after another, with STARTTLS, sign-in and faults on demand."""

from __future__ import annotations

import base64
import binascii
import hmac
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import repeat
from typing import Self

MOST_BYTES = 10_000_000
LONGEST_LINE = 65_536
A_GIGABYTE = 2**30
ENDLESS = b"220-" + b"x" * 1000 + b"\r\n"
"""One line of a greeting that does not end."""


class Trouble(StrEnum):
    SLOW = "slow"
    HANG = "hang"
    NO_TLS = "no tls"
    SELF_SIGNED = "self-signed"
    EXPIRED = "expired"
    OTHER_NAME = "other name"
    REFUSES_SIGN_IN = "refuses sign-in"
    REJECTS_SENDER = "rejects sender"
    REJECTS_RECIPIENT = "rejects recipient"
    GREYLISTS = "greylists"
    BUSY = "busy"
    REJECTS_MESSAGE = "rejects message"
    CLOSES_AFTER_DATA = "closes after data"
    GIGABYTE = "gigabyte"


@dataclass(frozen=True)
class Envelope:
    """An accepted message, with its sender, recipients and connection."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)
    is_encrypted: bool
    user: str


@dataclass
class Behaviour:
    """The behaviour of a server; it may be changed while the server runs.

    `credentials` are required for sending, if set. `certificate` returns the TLS context for a fault, or for
    None. `is_tls_from_the_start`: TLS without STARTTLS.
    """

    deliver: Callable[[Envelope], None]
    certificate: Callable[[Trouble | None], ssl.SSLContext]
    trouble: Trouble | None = None
    credentials: tuple[str, str] | None = None
    is_tls_from_the_start: bool = False
    slowness: float = 2.0
    greylisted: set[tuple[str, str]] = field(default_factory=set)
    """The sender and recipient of each rejected first attempt. The second attempt is accepted."""
    verbs: list[str] = field(default_factory=list)
    """The commands so far, without their arguments."""
    stopped: threading.Event = field(default_factory=threading.Event)


class SmtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, port: int, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        super().__init__(("127.0.0.1", port), _Session)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.005,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.behaviour.stopped.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Ignores clients that disconnect or reject the certificate."""


class _Session(socketserver.StreamRequestHandler):
    server: SmtpServer
    disable_nagle_algorithm = True  # The lines of a reply are written one by one.

    def setup(self) -> None:
        self.does = self.server.behaviour
        self.is_encrypted = False
        self.user = ""
        super().setup()

    def handle(self) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            if self.does.is_tls_from_the_start:
                self._encrypt()
            if self._greet():
                self._converse()

    def _greet(self) -> bool:
        match self.does.trouble:
            case Trouble.SLOW:
                time.sleep(self.does.slowness)
            case Trouble.HANG:
                self.does.stopped.wait()
                return False
            case Trouble.BUSY:
                self._reply("421 4.3.2 localhost is too busy")
                return False
            case Trouble.GIGABYTE:
                self.wfile.writelines(repeat(ENDLESS * 100, A_GIGABYTE // len(ENDLESS * 100)))
                return False
        self._reply("220 localhost ESMTP")
        return True

    def _converse(self) -> None:
        self._reset()
        while line := self.rfile.readline(LONGEST_LINE):
            verb, _, rest = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
            self.does.verbs.append(verb.upper())
            command = getattr(self, f"_on_{verb.lower()}", None) if verb.isalpha() else None
            if command is None:
                self._reply("500 5.5.2 Unknown command")
            elif command(rest.strip()):
                return

    def _reply(self, *lines: str) -> None:
        for place, line in enumerate(lines, 1):
            text = line if place == len(lines) else f"{line[:3]}-{line[4:]}"
            self.wfile.write(f"{text}\r\n".encode())

    def _reset(self) -> None:
        self.sender: str | None = None
        self.recipients: list[str] = []

    def _encrypt(self) -> None:
        """Starts TLS, and discards all state from before it, as RFC 3207 requires."""
        self.request = self.does.certificate(self.does.trouble).wrap_socket(self.request, server_side=True)
        self.rfile = self.request.makefile("rb", self.rbufsize)
        self.wfile = self.request.makefile("wb", 0)
        self.is_encrypted, self.user = True, ""
        self._reset()

    def _on_ehlo(self, _rest: str) -> None:
        self._reset()
        offers = [f"250 SIZE {MOST_BYTES}", "250 8BITMIME", "250 SMTPUTF8", "250 ENHANCEDSTATUSCODES"]
        if not self.is_encrypted and self.does.trouble is not Trouble.NO_TLS:
            offers.append("250 STARTTLS")
        if self.does.credentials:
            offers.append("250 AUTH PLAIN LOGIN")
        self._reply("250 localhost", *offers)

    def _on_helo(self, _rest: str) -> None:
        self._reset()
        self._reply("250 localhost")

    def _on_starttls(self, _rest: str) -> None:
        if self.is_encrypted or self.does.trouble is Trouble.NO_TLS:
            return self._reply("502 5.5.1 TLS is not available")
        self._reply("220 2.0.0 Ready to start TLS")
        return self._encrypt()

    def _on_auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if mechanism.upper() == "PLAIN":
            _, _, both = self._decoded(initial or self._prompt("")).partition("\0")
            user, _, password = both.partition("\0")
        elif mechanism.upper() == "LOGIN":
            user = self._decoded(initial or self._prompt("Username:"))
            password = self._decoded(self._prompt("Password:"))
        else:
            return self._reply("504 5.5.4 Unknown mechanism")
        expected = self.does.credentials
        is_right = expected is not None and hmac.compare_digest(
            f"{user}\0{password}".encode(), "\0".join(expected).encode()
        )
        if not is_right or self.does.trouble is Trouble.REFUSES_SIGN_IN:
            return self._reply("535 5.7.8 User name or password not accepted")
        self.user = user
        return self._reply("235 2.7.0 Signed in")

    def _prompt(self, prompt: str) -> str:
        self._reply(f"334 {base64.b64encode(prompt.encode()).decode()}")
        return self.rfile.readline(LONGEST_LINE).decode("ascii", "replace").strip()

    @staticmethod
    def _decoded(text: str) -> str:
        try:
            return base64.b64decode(text).decode()
        except (binascii.Error, UnicodeDecodeError):
            return ""

    def _on_mail(self, rest: str) -> None:
        sender = _address(rest, "FROM:")
        if sender is None:
            return self._reply("501 5.5.4 Send MAIL FROM:<address>")
        if self.does.credentials and not self.user:
            return self._reply("530 5.7.0 Sign in first")
        if self.does.trouble is Trouble.REJECTS_SENDER:
            return self._reply("550 5.7.1 This sender is not allowed")
        self._reset()
        self.sender = sender
        return self._reply("250 2.1.0 OK")

    def _on_rcpt(self, rest: str) -> None:
        recipient = _address(rest, "TO:")
        if self.sender is None:
            return self._reply("503 5.5.1 Send MAIL first")
        if not recipient:
            return self._reply("501 5.5.4 Send RCPT TO:<address>")
        if self.does.trouble is Trouble.REJECTS_RECIPIENT:
            return self._reply("550 5.1.1 Mailbox not found")
        if self.does.trouble is Trouble.GREYLISTS and self._is_first(recipient):
            return self._reply("451 4.7.1 Greylisted, try again later")
        self.recipients.append(recipient)
        return self._reply("250 2.1.5 OK")

    def _is_first(self, recipient: str) -> bool:
        pair = (self.sender or "", recipient)
        is_first = pair not in self.does.greylisted
        self.does.greylisted.add(pair)
        return is_first

    def _on_data(self, _rest: str) -> bool:
        if not self.recipients:
            self._reply("503 5.5.1 Send RCPT first")
            return False
        self._reply("354 End with a line that is a dot")
        content = self._content()
        if content is None:
            return True
        if len(content) > MOST_BYTES:
            self._reply("552 5.3.4 The message is too big")
        elif self.does.trouble is Trouble.REJECTS_MESSAGE:
            self._reply("554 5.7.1 The message looks like spam")
        else:
            sender, recipients = self.sender or "", tuple(self.recipients)
            self.does.deliver(Envelope(sender, recipients, content, self.is_encrypted, self.user))
            if self.does.trouble is Trouble.CLOSES_AFTER_DATA:
                return True
            self._reply("250 2.0.0 Delivered")
        self._reset()
        return False

    def _content(self) -> bytes | None:
        """Reads the message up to the dot; None if the client disconnected before it."""
        lines: list[bytes] = []
        size = 0
        while line := self.rfile.readline(LONGEST_LINE):
            if line in (b".\r\n", b".\n"):
                return b"".join(lines)
            size += len(line)
            if size <= MOST_BYTES + LONGEST_LINE:
                lines.append(line[1:] if line.startswith(b".") else line)
        return None

    def _on_rset(self, _rest: str) -> None:
        self._reset()
        self._reply("250 2.0.0 OK")

    def _on_noop(self, _rest: str) -> None:
        self._reply("250 2.0.0 OK")

    def _on_vrfy(self, _rest: str) -> None:
        self._reply("252 2.1.5 Send the message and see")

    def _on_quit(self, _rest: str) -> bool:
        self._reply("221 2.0.0 Bye")
        return True


def _address(rest: str, keyword: str) -> str | None:
    """Returns the address of MAIL or RCPT, "" for the empty one; None if the syntax is wrong."""
    if not rest.upper().startswith(keyword):
        return None
    written = rest[len(keyword) :].strip()
    if not written.startswith("<") or ">" not in written:
        return None
    return written[1 : written.index(">")]
