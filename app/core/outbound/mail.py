"""The client of the mail server that the operator configured.

One deadline covers the lookup and the whole conversation. Outside this machine nothing is sent before the
server's certificate is verified: smtps:// begins with TLS, and smtp:// requires STARTTLS.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote

import structlog

from app.core import computing
from app.core.outbound import addresses, messages, trust, upstreams
from app.core.outbound.answer import OutboundError
from app.core.outbound.sockets import Line, Meter, TlsSocket, TooLarge

log = structlog.get_logger(__name__)

DEADLINE = 20.0
MOST_BYTES = 100_000
PORTS = {"smtp": 587, "smtps": 465}
_LOCAL = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class MailServer:
    """The mail server of PATCHBAY_SMTP_URL."""

    host: str
    port: int
    is_tls: bool
    user: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """Returns the server of an smtp:// or smtps:// URL. Raises ValueError for other texts.

        The message does not contain the URL, which may contain a password.
        """
        try:
            parts = upstreams.split(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError(messages.NOT_SMTP) from None
        if parts.scheme not in PORTS or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError(messages.NOT_SMTP)
        if not (_HOST.fullmatch(host) or addresses.literal(host)) or port == 0:
            raise ValueError(messages.NOT_SMTP)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if bool(user) != bool(password):
            raise ValueError(messages.SMTP_USER)
        return cls(host, port or PORTS[parts.scheme], parts.scheme == "smtps", user, password)

    @property
    def is_local(self) -> bool:
        return self.host in _LOCAL


@dataclass(frozen=True)
class Mailer:
    """Sends mail from `sender`; one instance serves all threads."""

    server: MailServer
    sender: str

    def send(self, mail: EmailMessage, address: str) -> int:
        """Returns the code of the server's last response. Raises OutboundError."""
        started, outcome = time.monotonic(), "failed"
        host = self.server.host
        try:
            with computing.paused():
                code = self._send(mail, address)
            outcome = str(code)
        except (TimeoutError, smtplib.SMTPServerDisconnected) as error:
            is_late = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
            if is_late:
                raise OutboundError("timeout", messages.timed_out(host)) from None
            raise OutboundError("connect", messages.disconnected(host)) from None
        except ssl.SSLError:
            raise OutboundError("tls", messages.tls_failed(host)) from None
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError):
            raise OutboundError("refused", messages.smtp_login_refused(host)) from None
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise OutboundError("refused", messages.smtp_recipient_refused(host, code)) from None
        except smtplib.SMTPResponseException as error:
            raise OutboundError("refused", messages.smtp_refused(host, error.smtp_code)) from None
        except TooLarge:
            raise OutboundError("too_large", messages.too_large(host)) from None
        except (OSError, smtplib.SMTPException):
            raise OutboundError("connect", messages.disconnected(host)) from None
        finally:
            took = round((time.monotonic() - started) * 1000)
            log.info("outbound", method="SMTP", host=host, status=outcome, ms=took)
        return code

    def _send(self, mail: EmailMessage, address: str) -> int:
        meter = Meter(DEADLINE, MOST_BYTES)
        client = _Client(self.server, meter, self._addresses(meter))
        try:
            client.connect(self.server.host, self.server.port)
            client.ehlo()
            if not self.server.is_tls and not self.server.is_local:
                self._start_tls(client)
            if self.server.user:
                client.login(self.server.user, self.server.password)
            return client.deliver(mail, self.sender, address)
        finally:
            client.close()

    def _start_tls(self, client: _Client) -> None:
        """Starts TLS. Raises OutboundError if the server offers none: nothing is sent in the clear."""
        if not client.has_extn("starttls"):
            raise OutboundError("tls", messages.no_starttls(self.server.host))
        client.start_tls(trust.context())

    def _addresses(self, meter: Meter) -> list[addresses.Address]:
        try:
            return addresses.look_up(self.server.host, meter.left())
        except TimeoutError:
            raise
        except (OSError, ValueError):
            raise OutboundError("dns", messages.not_resolved(self.server.host)) from None


class _Client(smtplib.SMTP):
    """An SMTP client whose reads and writes share one deadline and one size limit."""

    def __init__(self, server: MailServer, meter: Meter, resolved: list[addresses.Address]) -> None:
        self._server, self._meter = server, meter
        self._line = Line(resolved, server.port, meter)
        super().__init__(local_hostname="localhost")
        self._host = server.host  # the name that STARTTLS verifies

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        dialled = self._line.dial()
        if not self._server.is_tls:
            return dialled
        return self._metered(trust.context().wrap_socket(dialled, server_hostname=host))

    def start_tls(self, context: ssl.SSLContext) -> None:
        code, text = self.starttls(context=context)
        if code != 220:
            raise smtplib.SMTPResponseException(code, text)
        self._metered(self.sock)
        self.ehlo()

    def deliver(self, mail: EmailMessage, sender: str, address: str) -> int:
        """Sends the mail to one address, and returns the code of the response."""
        code, text = self.mail(sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, text, sender)
        code, text = self.rcpt(address)
        if code not in (250, 251):
            raise smtplib.SMTPRecipientsRefused({address: (code, text)})
        code, text = self.data(mail.as_bytes())
        if code != 250:
            raise smtplib.SMTPDataError(code, text)
        return code

    def _metered(self, connection: Any) -> socket.socket:
        assert isinstance(connection, TlsSocket)  # noqa: S101 (the deadline needs it)
        connection.meter = self._meter
        return connection
