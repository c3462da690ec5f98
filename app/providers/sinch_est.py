from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Collection, Hashable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from cachetools import TLRUCache

from app.core import clock
from app.core.outbound import addresses
from app.core.outbound.answer import Answer
from app.core.outbound.client import Outbound
from app.provider import (
    Family,
    Outcome,
    Provider,
    Refusal,
    Secret,
    Text,
    Verified,
    Where,
    calls,
    facts,
    json_list,
    json_object,
    not_proven,
    pagination_error,
    proven,
    refused,
    unexpected,
)
from app.provider.answers import is_unauthorized
from app.provider.calls import CallOutcome, LastCalls, ProviderCall
from app.provider.numbers import Listing, Override, ProviderNumber, flag, is_named, one_line, phone_number
from app.provider.voice_ai import SipEndpoint

TOKEN = "https://auth.sinch.com/oauth2/token"  # noqa: S105  an address
API = "https://elastic-trunking.api.sinch.com"
REFUSALS = {
    401: (
        Outcome.BAD_CREDENTIALS,
        "Sinch accepts this key, but not for this project. Compare the project ID with the page of the "
        "access key in the dashboard.",
    ),
    403: (
        Outcome.NO_PERMISSION,
        "This key may not read the project's trunks. Compare the project ID with the page of the access key "
        "in the Sinch dashboard.",
    ),
    404: (
        Outcome.NOT_FOUND,
        "Sinch has no trunk with this ID in this project. Compare the trunk ID and project ID with the "
        "trunk's page in the dashboard.",
    ),
}
NO_PROJECT = refused(
    Outcome.WRONG_ACCOUNT,
    "Sinch has no project with this ID. Compare the project ID with the page of the access key in the "
    "dashboard.",
)
INCOMPLETE = refused(
    Outcome.UNEXPECTED_ANSWER,
    "Sinch lists fewer numbers than it counts. Try again. If this continues, find them in the dashboard.",
)
ENDPOINTS_UNREAD = refused(
    Outcome.UNEXPECTED_ANSWER,
    "Sinch returned endpoints of the trunk that cannot be read, so where it sends calls is not known. See "
    "the trunk's page in the dashboard.",
)
PAGE = 100
MOST_PAGES = 100
CALLS_PAGE = 1000
MONTHS_OF_CALLS = timedelta(days=90)
"""How far back calls are read. Without a start time, Sinch returns those of a day or a week."""

OUTCOMES = {
    "COMPLETED": CallOutcome.ANSWERED,
    "NO_ANSWER": CallOutcome.NO_ANSWER,
    "CANCEL": CallOutcome.CANCELED,
    "BUSY": CallOutcome.BUSY,
    "FAILED": CallOutcome.FAILED,
}
TOKEN_LIFE = 55 * 60.0
"""How many seconds a token is reused: Sinch limits how often a token may be requested."""


def _expires_at(_key: Hashable, token: tuple[str, float], now: float) -> float:
    return now + token[1]


tokens: TLRUCache[Hashable, tuple[str, float]] = TLRUCache(500, _expires_at)
"""This process's tokens with their lifetime in seconds, by key ID and secret."""
_tokens_lock = threading.Lock()

ACCESS_KEYS = Where("Sinch dashboard → Access keys", "https://dashboard.sinch.com/settings/access-keys")
TRUNKS = Where("Sinch dashboard → SIP → Trunks", "https://dashboard.sinch.com/sip/trunks")


class SinchEst(Provider):
    key = "sinch_est"
    label = "Sinch EST"
    hosts = ("auth.sinch.com", "elastic-trunking.api.sinch.com")
    position = 60
    families = (Family.VOICE_AI,)
    summary = "Elastic SIP Trunking: carries Sinch numbers to the voice agents."
    numbers_of = "sinch"
    configured_flag = "hasEstCredentials"

    key_id = Text("Key ID", where=ACCESS_KEYS, required=True)
    key_secret = Secret("Key secret", help="Sinch shows it once, when the key is created.", required=True)
    project_id = Text("Project ID", help="Sinch dashboard → Projects.", required=True, is_listed=True)
    trunk_id = Text(
        "Trunk ID",
        where=TRUNKS,
        help="Of the trunk that carries the numbers.",
        required=True,
        is_listed=True,
    )
    trunk_domain = Text("Trunk domain", where=TRUNKS, help="As the trunk's page shows it.", is_listed=True)

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Requests a token with the key, then reads one number of the project, and the trunk."""
        if lacking := self.missing_credentials(values):
            return lacking
        try:
            _page(http, values, 1, size=1)
            return _compare_domains(_trunk(http, values), values.get("trunk_domain"))
        except Refusal as refusal:
            return refusal.result

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Listing:
        """Yields the numbers of the whole project: also those on another trunk, or on none."""
        self.require_credentials(values)
        is_whole = True
        for items in _pages(http, values):
            is_whole &= all(_is_named(item) for item in items)
            yield from (number for item in items if (number := _number(item)))
        return is_whole

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        self.require_credentials(values)
        answer = _get(http, values, f"phoneNumbers/{quote(phone_number, safe='')}")
        row = json_object(answer)
        if answer.status == 404 and row:
            _page(http, values, 1, size=1)
            return None
        number = _number(row) if answer.status == 200 else None
        if number is None or number.phone_number != phone_number or not _is_named(row):
            raise Refusal(_refusal(answer))
        return number

    def sip_domain(self, http: Outbound, values: Mapping[str, Any]) -> str:
        if stored := values.get("trunk_domain"):
            return str(stored)
        if domain := _domain(_trunk(http, values)):
            return domain
        sentence = "Sinch has the trunk, but returned no domain. Enter it under Voice AI."
        raise Refusal(refused(Outcome.UNEXPECTED_ANSWER, sentence))

    def endpoints(self, http: Outbound, values: Mapping[str, Any]) -> list[SipEndpoint]:
        """Returns the trunk's endpoints; none if the project has no such trunk.

        Raises Refusal if some of them cannot be read, because one of those may receive the calls.
        """
        answer = _get(http, values, f"trunks/{quote(values['trunk_id'], safe='')}/endpoints", {"size": PAGE})
        document = json_object(answer)
        listed, total = document.get("endpoints", document.get("sipEndpoints")), document.get("totalItems")
        if answer.status == 404 and document:
            _page(http, values, 1, size=1)
            return []
        if answer.status != 200 or not isinstance(listed, list):
            raise Refusal(_refusal(answer))
        is_short = type(total) is int and len(listed) < total
        if is_short or not all(map(_is_readable, listed)):
            raise Refusal(ENDPOINTS_UNREAD)
        return [endpoint for item in listed if (endpoint := _endpoint(item))]

    def last_calls(
        self,
        http: Outbound,
        values: Mapping[str, Any],
        phone_numbers: Collection[str],
        since: datetime | None,
    ) -> LastCalls:
        """Reads the list of incoming calls. The trunk's endpoint did not accept the failed ones."""
        self.require_credentials(values)
        begin = since or clock.now() - MONTHS_OF_CALLS
        query = {"direction": "INBOUND", "createTime>": clock.utc(begin)}
        if len(phone_numbers) == 1:
            query["to"] = next(iter(phone_numbers))
        return LastCalls(calls.newest(_calls(http, values, query), phone_numbers), begin)

    def carries(self, number: ProviderNumber, values: Mapping[str, Any]) -> bool:
        return number.override_name.lower() == str(values["trunk_id"]).lower()


def _pages(http: Outbound, values: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Yields each page's items up to Sinch's total; without a total, up to an empty page.

    A page may have fewer items than requested and not be the last. Whether pages start at 1 or 0 is not
    documented: page 0 is read if items are missing, or if there is no total.
    """
    count = 0
    first: list[Any] = []
    last: list[Any] = []
    for page in range(1, MOST_PAGES + 1):
        items, total = _page(http, values, page)
        if not items and (total is None or count < total):
            items, total = _page(http, values, 0)
            if total is not None and (items == first or count + len(items) < total):
                raise Refusal(INCOMPLETE)
            yield items if items != first else []
            return
        if items and items == last:
            break
        yield items
        count, first, last = count + len(items), first or items, items
        if total is not None and count >= total:
            return
    raise pagination_error(SinchEst.label)


def _page(
    http: Outbound, values: Mapping[str, Any], page: int, *, size: int = PAGE
) -> tuple[list[Any], int | None]:
    """Returns the page's items, and the total if Sinch returns one. Raises Refusal."""
    answer = _get(http, values, "phoneNumbers", {"page": page, "size": size})
    document = json_object(answer)
    items, total = document.get("phoneNumbers"), document.get("totalItems")
    if answer.status != 200 or not isinstance(items, list):
        raise Refusal(_project_refusal(answer))
    return items, total if isinstance(total, int) else None


def _calls(http: Outbound, values: Mapping[str, Any], query: Mapping[str, str]) -> Iterator[ProviderCall]:
    """Yields the calls of every page. Their order is not documented."""
    last: list[Mapping[str, Any]] = []
    for page in range(1, calls.MOST_PAGES + 1):
        answer = _get(http, values, "calls", {**query, "page": page, "pageSize": CALLS_PAGE})
        if answer.status != 200:
            raise Refusal(_project_refusal(answer))
        rows = json_list(answer, "calls")
        if rows and rows == last:
            break
        yield from (call for row in rows if (call := _call(row)))
        if not rows or _is_last(json_object(answer), page, len(rows)):
            return
        last = rows
    raise pagination_error(SinchEst.label)


def _is_last(document: Mapping[str, Any], page: int, count: int) -> bool:
    """Whether the page is the last one: by the total if Sinch returns one, else by its size."""
    total = document.get("totalItems")
    return page * CALLS_PAGE >= total if type(total) is int else count < CALLS_PAGE


def _call(row: Mapping[str, Any]) -> ProviderCall | None:
    number, started = phone_number(row.get("to")), calls.from_iso(row.get("createTime"))
    if number is None or started is None or row.get("direction") != "INBOUND":
        return None
    return ProviderCall(number, started, calls.outcome(OUTCOMES, row.get("callResult")))


def _number(item: Any) -> ProviderNumber | None:
    """Returns the number of an item; None if it is unreadable."""
    if not isinstance(item, dict):
        return None
    number = phone_number(item.get("phoneNumber"))
    trunk, reference = (item.get(name) for name in ("sipTrunkId", "id"))
    if number is None or not isinstance(trunk, str | None):
        return None
    return ProviderNumber(
        number,
        shows_webhook=False,
        override=Override.TRUNK if trunk else None,
        override_name=one_line(trunk) or "",
        reference=one_line(reference) or "",
    )


def _is_named(item: Any) -> bool:
    """Whether the item names its number and its trunk."""
    has_trunk = isinstance(item, dict) and isinstance(item.get("sipTrunkId"), str | None)
    return has_trunk and is_named(item.get("phoneNumber"))


def _is_readable(item: Any) -> bool:
    """Whether the endpoint's address, priority and state can be read."""
    if not isinstance(item, dict):
        return False
    enabled, priority = item.get("enabled"), item.get("priority")
    has_state = enabled is None or flag(enabled) is not None
    return has_state and isinstance(item.get("address"), str | None) and isinstance(priority, int | None)


def _endpoint(item: Any) -> SipEndpoint | None:
    """Returns the endpoint; None if it is disabled, or if SIP devices register at it."""
    if not isinstance(item, dict) or flag(item.get("enabled", True)) is False:
        return None
    host = (one_line(item.get("address")) or "").lower().rstrip(".")
    port, priority = item.get("port"), item.get("priority")
    return (
        SipEndpoint(
            host,
            port if type(port) is int else 5060,
            one_line(item.get("transport"), 10) or "",
            priority if type(priority) is int else 0,
        )
        if host
        else None
    )


def _trunk(http: Outbound, values: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = _get(http, values, f"trunks/{quote(values['trunk_id'], safe='')}")
    trunk = json_object(answer)
    if answer.status == 200 and str(trunk.get("id", "")).lower() == values["trunk_id"].lower():
        return trunk
    raise Refusal(_refusal(answer))


def _domain(trunk: Mapping[str, Any]) -> str:
    """Returns the trunk's domain; empty if Sinch returns none."""
    domain = trunk.get("domain")
    text = domain.lower().rstrip(".") if isinstance(domain, str) else ""
    return text if addresses.HOST.fullmatch(text) else ""


def _refusal(answer: Answer) -> Verified:
    is_known = json_object(answer) or is_unauthorized(answer)
    return refused(*REFUSALS[answer.status]) if answer.status in REFUSALS and is_known else unexpected(answer)


def _project_refusal(answer: Answer) -> Verified:
    """Returns the refusal of a request whose only id is the project's."""
    return NO_PROJECT if answer.status == 404 and json_object(answer) else _refusal(answer)


def _cache_key(values: Mapping[str, Any]) -> tuple[str, bytes]:
    return values["key_id"], hashlib.sha256(values["key_secret"].encode()).digest()


def _get(
    http: Outbound, values: Mapping[str, Any], path: str, query: Mapping[str, Any] | None = None
) -> Answer:
    """Sends a GET with the cached token, or with a new one if it has expired.

    Raises Refusal if Sinch issues no token.
    """
    url = f"{API}/v1/projects/{quote(values['project_id'], safe='')}/{path}"
    with _tokens_lock:
        cached, _ = tokens.get(_cache_key(values), (None, 0))
    if cached:
        answer = http.send("GET", url, headers={"Authorization": f"Bearer {cached}"}, query=query)
        if answer.status != 401:
            return answer
        with _tokens_lock:
            tokens.pop(_cache_key(values), None)
    token = _new_token(http, values)
    return http.send("GET", url, headers={"Authorization": f"Bearer {token}"}, query=query)


def _new_token(http: Outbound, values: Mapping[str, Any]) -> str:
    answer = http.send(
        "POST",
        TOKEN,
        form={"grant_type": "client_credentials"},
        auth=(values["key_id"], values["key_secret"]),
    )
    document = json_object(answer)
    token = document.get("access_token")
    if answer.status == 200 and isinstance(token, str) and re.fullmatch(r"[!-~]+", token):
        with _tokens_lock:
            tokens[_cache_key(values)] = (token, _token_life(document.get("expires_in")))
        return token
    if (answer.status in (400, 403) and document) or is_unauthorized(answer):
        sentence = (
            "Sinch rejects this key ID and secret. Check Access keys in the dashboard. If the secret is "
            "lost, create a new key."
        )
        raise Refusal(refused(Outcome.BAD_CREDENTIALS, sentence))
    raise Refusal(unexpected(answer))


def _token_life(seconds: Any) -> float:
    """Returns for how many seconds to reuse a token: until five minutes before it expires."""
    return min(seconds - 300, TOKEN_LIFE) if isinstance(seconds, int) else TOKEN_LIFE


def _compare_domains(trunk: Mapping[str, Any], stored: str | None) -> Verified:
    actual, read = _domain(trunk), facts.named("trunk", trunk.get("name"))
    if not actual:
        return not_proven("Sinch accepts the key and has the trunk, but returned no domain.", *read)
    if stored and stored.lower().rstrip(".") != actual:
        return refused(
            Outcome.TRUNK_DOMAIN_DIFFERS,
            f"Sinch accepts the key and has the trunk, but its domain is {actual}, not {stored}.",
        )
    return proven(f"Sinch accepts the key and has the trunk. Its domain is {actual}.", *read)
