"""Sentences about calls to providers. They name the host, never a path, query, header or body."""

from __future__ import annotations

PROVIDER = "The provider"

NOT_A_WEB_ADDRESS = "The provider's address is not a web address."
NOT_SMTP = (
    "It is not an address such as smtp://user:password@mail.example.com:587 or smtps://mail.example.com."
)
SMTP_USER = "It needs both a user name and a password, or neither."
NOT_A_PUBLIC_NAME = "The provider was not called: its host is not a public name."


def not_https(host: str) -> str:
    return f"{host} was not called: the address must start with https://."


def has_user(host: str) -> str:
    return f"{host} was not called: the address must not contain a user name."


def not_public(host: str) -> str:
    return f"{host} was not called: it has no public IP address."


def not_resolved(host: str) -> str:
    return f"{host} could not be resolved. Check the DNS of this server."


def busy(host: str) -> str:
    return f"{host} was not called: too many requests to it are in progress. Try again in a moment."


def timed_out(host: str) -> str:
    return f"{host} did not respond in time."


def too_large(host: str) -> str:
    return f"The response of {host} is too large."


def tls_failed(host: str) -> str:
    return f"TLS error: the certificate of {host} could not be verified."


def refused(host: str) -> str:
    return f"{host} refused the connection."


def disconnected(host: str) -> str:
    return f"The connection to {host} failed."


def redirected(host: str) -> str:
    return f"{host} responded with a redirect, which is not followed."


def not_json(host: str) -> str:
    return f"{host} responded with something other than JSON."


def no_starttls(host: str) -> str:
    return f"{host} offers no TLS (STARTTLS), so nothing was sent. Use smtps://, or turn TLS on there."


def smtp_login_refused(host: str) -> str:
    return f"{host} did not accept the user name and password of PATCHBAY_SMTP_URL."


def smtp_recipient_refused(host: str, code: int) -> str:
    return f"{host} did not accept the recipient (code {code})."


def smtp_refused(host: str, code: int) -> str:
    return f"{host} did not accept the message (code {code})."
