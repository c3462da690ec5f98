"""URLs: the public base URL, webhook URLs and their comparison, and paths that are safe to redirect to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

import idna

from app.core.texts import CONTROL

_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
PUBLIC = (
    r"^https://([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
    r"(:[1-9][0-9]{0,3})?(/[A-Za-z0-9_~-]+)*/?$"
)
"""A pattern for OpenAPI: public addresses as they are usually written."""
CALLBACK = (
    r"^https://([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}(:[1-9][0-9]{0,3})?"
    r"(/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)*/?(\?[A-Za-z0-9._~!$&'()*+,;=:@/?-]*)?$"
)
"""`PUBLIC` with more characters in the path, and a query."""
_PATH = re.compile(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*/?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?![0-9])")
_QUERY = re.compile(r"([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_PASSWORD = re.compile(r"//[^/?#]*@")
_USER = re.compile(r"(?<=//)[^/?#]*@")
_NO_ORIGIN = "Use a scheme and a host, such as https://dialer.example.com, and no wildcard."
_UNUSABLE = "This is not a web address. Use one such as https://voice.example.com."
_ORIGIN_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_NOT_PUBLIC = (".localhost", ".local", ".internal", ".localdomain")
LONGEST = 300
LONGEST_CALLBACK = 1000


def with_https(text: str) -> str:
    """Returns the address with https:// before it if it has no scheme, such as a bare host name."""
    return f"https://{text}" if text and not _SCHEME.match(text) else text


def public_base_url(text: str) -> str:
    """Returns the https base URL that providers call, without a slash at its end.

    Raises ValueError with a sentence for the user.
    """
    authority, parts = _public_parts(text)
    if "?" in text or "#" in text:
        raise ValueError("Leave out what follows ? or # in the address.")
    return _expect_length(f"https://{authority}{parts.path.rstrip('/')}", LONGEST)


def callback_url(text: str) -> str:
    """Returns the https URL that a provider calls; it may have a query.

    Raises ValueError with a sentence for the user.
    """
    authority, parts = _public_parts(text)
    if "#" in text:
        raise ValueError("Leave out what follows # in the address.")
    if not _QUERY.fullmatch(parts.query):
        raise ValueError("What follows ? in the address has characters that providers cannot call.")
    query = f"?{parts.query}" if parts.query else ""
    return _expect_length(f"https://{authority}{parts.path}{query}", LONGEST_CALLBACK)


def _public_parts(text: str) -> tuple[str, SplitResult]:
    """Returns the host and port as an address contains them, and the parts of the URL.

    Raises ValueError if providers could not call it.
    """
    text = text.strip()
    if CONTROL.search(text):
        raise ValueError(_UNUSABLE)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(_UNUSABLE) from None
    if parts.scheme != "https":
        raise ValueError("The address must start with https://, such as https://voice.example.com.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("Leave the user name and password out of the address.")
    host = _public_host(parts.hostname or "")
    if port == 0 or not _is_plain_path(parts.path):
        raise ValueError("The path or port of the address has characters or dots that providers cannot call.")
    return (host if port in (None, 443) else f"{host}:{port}"), parts


def _expect_length(url: str, longest: int) -> str:
    if len(url) > longest:
        raise ValueError(f"This address is longer than {longest} characters.")
    return url


def sanitized(url: str) -> str:
    """Sanitises an external URL for display: one line, truncated, without a password."""
    return _PASSWORD.sub("//…@", "".join(filter(str.isprintable, url)))[:LONGEST_CALLBACK]


def _is_plain_path(path: str) -> bool:
    """Whether each segment stays one segment, even if a proxy decodes it repeatedly."""
    segments = [unquote(segment) for segment in path.split("/")]
    return _PATH.fullmatch(path) is not None and not any(
        segment in (".", "..")
        or "/" in segment
        or "\\" in segment
        or "%" in segment
        or CONTROL.search(segment)
        for segment in segments
    )


def _public_host(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        if address.version == 4 and address.is_global and not address.is_multicast:
            return host
        raise ValueError("Providers cannot reach this address. Use a public host name.")
    try:
        host = ascii_host(host)
    except ValueError:
        raise ValueError("The host name in this address is not valid. Check each letter of it.") from None
    if host == "localhost" or host.endswith(_NOT_PUBLIC):
        raise ValueError("Providers cannot reach this machine by that name. Use a public host name.")
    if not _HOST.fullmatch(host):
        raise ValueError("The host name in this address is not valid. Use one such as voice.example.com.")
    return host


def ascii_host(host: str) -> str:
    """Returns the host name as DNS looks it up, by IDNA 2008.

    It keeps straße.example distinct from strasse.example. Raises ValueError for a name that cannot be
    registered, such as one with an emoji or invisible marks.
    """
    host = host.lower()
    if host.isascii() and not any(label.startswith("xn--") for label in host.split(".")):
        return host
    return idna.encode(host, uts46=True).decode()


def web_origin(text: str) -> str:
    """Returns the origin of web pages, which must be written as browsers send it.

    Plain HTTP is for this machine only: elsewhere the page could be changed in transit. Raises ValueError
    with a sentence that says what is valid, without the password of the text.
    """
    try:
        parts = urlsplit(text)
        host, port = _origin_host(parts.hostname or ""), parts.port
    except ValueError:
        raise ValueError(_NO_ORIGIN) from None
    if parts.scheme not in _DEFAULT_PORTS or port == 0:
        raise ValueError(_NO_ORIGIN)
    if parts.scheme == "http" and (parts.hostname or "") not in _LOCAL_HOSTS:
        raise ValueError("Use https. Only localhost, 127.0.0.1 and [::1] may use http.")
    is_usual = port is None or port == _DEFAULT_PORTS[parts.scheme]
    origin = f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{port}"
    if origin != text:
        raise ValueError(f"Write it as browsers send it: {origin}.")
    return origin


def _origin_host(host: str) -> str:
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    host = ascii_host(host)
    if not _ORIGIN_HOST.fullmatch(host):
        raise ValueError
    return host


def inbound_webhook_url(base: str | None, provider: str, agent: str | None) -> str | None:
    """Returns the URL that the provider calls for a number; None without a base URL or an agent."""
    if not base or not agent:
        return None
    return f"{base}/telephony/{provider}/inbound/{quote(agent, safe='')}"


def call_reports_path(provider: str, organization_id: str) -> str:
    """Returns the path that receives a voice AI provider's reports of an organization's calls."""
    return f"/api/webhook/{provider}/{organization_id}"


def has_path_end(url: str, end: str) -> bool:
    """Whether the URL's path ends with `end`, below any base."""
    try:
        return urlsplit(url).path.rstrip("/").endswith(end)
    except ValueError:
        return False


def without_user(url: str) -> str:
    """Returns a URL that can be shown: without the user name and password that it may start with."""
    return _USER.sub("", url)


def is_same(one: str, other: str) -> bool:
    """Whether two URLs differ at most in spelling: of scheme, host, port and percent-codes."""
    return _comparable(one) == _comparable(other)


def _comparable(url: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        host = ascii_host(parts.hostname or "")
    except ValueError:
        return (url,)
    segments = [unquote(segment, errors="surrogateescape") for segment in (parts.path or "/").split("/")]
    user = parts.netloc.rpartition("@")[0]
    return (parts.scheme, user, host, str(port), parts.query, parts.fragment, *segments)


def local_path(target: str | None) -> str | None:
    """Returns `target` if it is a path on this site, else None.

    A redirect after a sign-in must stay on this site.
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(character in target for character in "\\\r\n\t\0"):
        return None
    return target


def at_host(url: str) -> str:
    """Returns " at" and the host of a URL, whose rest may be secret; "" if it has no host."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return ""
    return f" at {host}" if host else ""
