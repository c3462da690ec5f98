"""Requests to Twilio's API in the region of a connection, and the meaning of its errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from app.core.outbound.answer import Answer
from app.core.outbound.client import Outbound
from app.provider import (
    MOST_PAGES,
    Outcome,
    Refusal,
    Verified,
    json_list,
    json_object,
    pagination_error,
    refused,
    unexpected,
)
from app.provider.answers import is_unauthorized

REGIONS = {
    "us1": "api.twilio.com",
    "ie1": "api.dublin.ie1.twilio.com",
    "au1": "api.sydney.au1.twilio.com",
}
"""Each region has its own auth token, API keys and applications, and its own settings of every number."""

ROUTES = "routes.twilio.com"
"""The host that returns the region in which calls to a number are answered."""

PLACES = {"us1": "United States", "ie1": "Ireland", "au1": "Australia"}
HOME = "us1"
PAGE = 1000
"""The maximum number of rows on a page."""

TEST_CREDENTIALS = 20008
"""The error code of a request with test credentials."""

INACTIVE = (10001, 20005)
"""The error codes of a suspended or closed account."""

NO_ACCOUNT = refused(
    Outcome.WRONG_ACCOUNT,
    "Twilio has no account with this SID. Copy it from the Console's Account Info.",
)
FORBIDDEN = refused(
    Outcome.NO_PERMISSION,
    "Twilio accepts the account SID and auth token, but does not allow this. See the Console.",
)


def region(values: Mapping[str, Any]) -> str:
    return values.get("region") or HOME


def host(values: Mapping[str, Any]) -> str:
    """Returns the URL of the region's API, with a slash at its end."""
    return f"https://{REGIONS[region(values)]}/"


def account_url(values: Mapping[str, Any], account_sid: str = "") -> str:
    return f"{host(values)}2010-04-01/Accounts/{account_sid or values['account_sid']}"


def get(http: Outbound, values: Mapping[str, Any], url: str, **query: Any) -> Answer:
    return http.send("GET", url, query=query, auth=(values["account_sid"], values["auth_token"]))


def pages(
    http: Outbound, values: Mapping[str, Any], url: str, name: str, *, missing: Verified | None = None
) -> Iterator[list[Mapping[str, Any]]]:
    """Yields the rows of each page of a list. Raises Refusal: `missing` for a 404."""
    requested: set[str] = set()
    while url:
        if url in requested or len(requested) == MOST_PAGES:
            raise pagination_error("Twilio")
        requested.add(url)
        answer = get(http, values, url)
        if missing and answer.status == 404 and code_of(answer):
            raise Refusal(missing)
        if answer.status != 200:
            raise Refusal(refusal(answer, values))
        rows = json_list(answer, name)
        yield rows
        url = _next_page(answer, host(values), is_full=len(rows) >= PAGE)


def _next_page(answer: Answer, here: str, *, is_full: bool) -> str:
    """Returns the URL of the next page; empty at the end. Raises Refusal for another host.

    The credentials are sent to no other host. A full page without the link field is not the end.
    """
    written = json_object(answer).get("next_page_uri", 0 if is_full else None)
    if written in (None, ""):
        return ""
    if not isinstance(written, str):
        raise Refusal(unexpected(answer))
    try:
        url = urljoin(here, written)
    except ValueError:
        raise Refusal(unexpected(answer)) from None
    if not url.startswith(here):
        sentence = (
            "The next page of Twilio's list is not on "
            f"{here.removeprefix('https://').rstrip('/')}, so it was not opened."
        )
        raise Refusal(refused(Outcome.UNEXPECTED_ANSWER, sentence))
    return url


def place(name: str) -> str:
    """Returns a region's name with its country: `ie1 (Ireland)`."""
    return f"{name} ({PLACES[name]})" if name in PLACES else name


def code_of(answer: Answer) -> int | None:
    """Returns the error code of the response; None if it has none."""
    code = json_object(answer).get("code")
    if isinstance(code, str) and re.fullmatch(r"[0-9]{1,9}", code):
        return int(code)
    return code if type(code) is int else None


def refusal(answer: Answer, values: Mapping[str, Any]) -> Verified:
    """Returns the reason why the request was refused."""
    code = code_of(answer)
    if answer.status in (401, 403) and code == TEST_CREDENTIALS:
        return refused(
            Outcome.TEST_CREDENTIALS,
            "These are test credentials: they reach no numbers and no calls. Copy the live ones from the "
            "Console's Account Info.",
        )
    if answer.status in (401, 403) and code in INACTIVE:
        return refused(
            Outcome.SUSPENDED,
            "The Twilio account is suspended or closed. See the Console.",
        )
    if is_unauthorized(answer):
        return _unknown_credentials(values)
    if answer.status == 403 and json_object(answer):
        return FORBIDDEN
    return unexpected(answer)


def _unknown_credentials(values: Mapping[str, Any]) -> Verified:
    here = region(values)
    others = " or ".join(name for name in REGIONS if name != here)
    return refused(
        Outcome.BAD_CREDENTIALS,
        f"Twilio rejects this account SID and auth token in the region {place(here)}. Compare both with the "
        f"Console's Account Info, in the same region: a token of {others} is refused here. Suspended and "
        "closed accounts return the same error.",
    )
