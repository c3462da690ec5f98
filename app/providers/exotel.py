from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from app.core import clock, phone, strict_json
from app.core.errors import Malformed
from app.core.outbound.answer import Answer
from app.core.outbound.client import Outbound
from app.provider import (
    MOST_PAGES,
    Count,
    Family,
    Outcome,
    PhoneNumber,
    Provider,
    Refusal,
    Secret,
    ServiceHost,
    Text,
    Verified,
    Where,
    calls,
    incomplete,
    json_list,
    json_object,
    numbers,
    pagination_error,
    proven,
    refused,
    summed,
    unexpected,
)
from app.provider.answers import is_unauthorized
from app.provider.call_xml import is_stream_address
from app.provider.calls import CallOutcome, LastCalls, ProviderCall
from app.provider.numbers import Fault, Listing, ProviderNumber, Reason
from app.provider.webhooks import (
    MARK,
    MARK_HEADER,
    Effect,
    Instructions,
    SampleCall,
    Signing,
    Unreadable,
    WebhookRequest,
    WebhookRules,
)

HOSTS = ("api.exotel.com", "api.in.exotel.com")
PAGE = 50
CALLS_PAGE = 100
MONTHS = 6
"""How long Exotel stores calls. One request covers at most one month."""

MONTH = timedelta(days=30)
INDIA = timezone(timedelta(hours=5, minutes=30))
"""The time zone of the calls' times, which have no offset."""

OUTCOMES = {
    "queued": CallOutcome.IN_PROGRESS,
    "ringing": CallOutcome.IN_PROGRESS,
    "in-progress": CallOutcome.IN_PROGRESS,
    "completed": CallOutcome.ANSWERED,
    "failed": CallOutcome.FAILED,
    "busy": CallOutcome.BUSY,
    "no-answer": CallOutcome.NO_ANSWER,
    "canceled": CallOutcome.CANCELED,
}
FLOW = re.compile(r"([a-z0-9-]+\.)*exotel\.(com|in)/(?:[^?#]*/)?exoml/(?:[^/]+/)*?([^/]*)/?", re.IGNORECASE)
"""Host and path of a flow: `/exoml/start_voice/501`, or `/exoml/start/501`."""
REFUSALS = {
    401: (
        Outcome.BAD_CREDENTIALS,
        "Exotel rejects this API key and token. Compare both with the dashboard's API settings, and "
        "the API base with the account's region.",
    ),
    403: (
        Outcome.SUSPENDED,
        "Exotel refuses this account: it is suspended, or may not use the API. See the dashboard.",
    ),
    404: (
        Outcome.WRONG_ACCOUNT,
        "Account not found at this API base. Compare the account SID with the dashboard's API "
        "settings, and the API base with the account's region.",
    ),
}
MAY_NOT_READ_NUMBERS = refused(
    Outcome.NO_PERMISSION,
    "Exotel accepts the API key and token, but does not let them read phone numbers. Check the permissions "
    "of the API key in the dashboard's API settings.",
)
CUT = refused(
    Outcome.UNEXPECTED_ANSWER,
    "Exotel's list repeats its first pages, and some numbers are missing. Find those in the dashboard.",
)
API_SETTINGS = Where(
    "Exotel dashboard → API settings", "https://my.exotel.com/apisettings/site#api-credentials"
)


class Exotel(Provider):
    key = "exotel"
    label = "Exotel"
    hosts = HOSTS
    position = 30
    families = (Family.TELEPHONY,)
    summary = "For agent calls."
    observes_by_listing = True
    webhook_steps = (
        "In the Exotel dashboard, open App Bazaar, and there the flow that the number is assigned to.",
        "In the flow, open its Voicebot applet, or its Passthru applet.",
        "Paste the URL into the applet, and save the flow.",
        "A number that is assigned to no flow, or to another one, has to be assigned to this flow.",
        "Exotel's API can neither set nor show this URL: a number there points to a flow.",
    )

    webhook_rules = WebhookRules(limit_seconds=10, most_bytes=100_000, takes_redirects=True, is_signed=False)
    """Exotel documents no limit; ten seconds is its limit for a Voicebot to open its stream."""

    account_sid = Text("Account SID", where=API_SETTINGS, required=True)
    api_key = Secret("API key", where=API_SETTINGS, required=True)
    api_token = Secret("API token", where=API_SETTINGS, help="It comes with the API key.", required=True)
    phone_number = PhoneNumber("Phone number", help="The default ExoPhone.", group="Calls")
    api_base = ServiceHost(
        "API base",
        help="The region of the account. Changing it requires the key and token again.",
        hosts=HOSTS,
    )
    max_concurrent = Count(
        "Max concurrent calls",
        help="How many agent calls may run at the same time.",
        default=5,
        group="Calls",
    )

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads one call and one number: a key may lack either permission.

        Exotel's API returns nothing about the account itself.
        """
        if lacking := self.missing_credentials(values):
            return lacking
        answer = self._get(http, values, "v1", "Calls.json", PageSize=1)
        if answer.status != 200 or not isinstance(json_object(answer).get("Calls"), list):
            return _refusal(answer)
        answer = self._get(http, values, "v2_beta", "IncomingPhoneNumbers", Page=0, PageSize=1)
        if answer.status in (401, 403) and _is_exotel_error(answer):
            return MAY_NOT_READ_NUMBERS
        if answer.status in (402, 404):
            return _refusal(answer)
        accepted = proven("Exotel accepts the API key and token for this account.")
        return summed([accepted, *filter(None, [self.caller(http, values)])])

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Listing:
        self.require_credentials(values)
        is_whole = True
        for rows in self._pages(http, values):
            is_whole &= all(numbers.is_named(row.get("phone_number")) for row in rows)
            yield from filter(None, map(_number, rows))
        return is_whole

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        """Reads the whole list, because Exotel has no search for a number."""
        self.require_credentials(values)
        is_whole = True
        for rows in self._pages(http, values):
            is_whole &= all(numbers.is_named(row.get("phone_number")) for row in rows)
            by_number, _ = numbers.by_number(filter(None, map(_number, rows)))
            if phone_number in by_number:
                return by_number[phone_number]
        if not is_whole:
            raise incomplete(self.label)
        return None

    def webhook_test(
        self, values: Mapping[str, Any], url: str, call: SampleCall, signing: Signing, signed_url: str = ""
    ) -> WebhookRequest:
        """Returns the request of a Passthru applet. Exotel signs nothing, so `signing` is ignored."""
        return WebhookRequest(
            "GET", f"{url}?{urlencode(_call_parameters(call))}", {MARK_HEADER: call.test_id}
        )

    def instructions(self, body: bytes) -> Instructions:
        """Reads the address of a Voicebot's stream. Raises Unreadable if there is none.

        A Passthru applet ignores the body.
        """
        try:
            parsed = strict_json.parse(body)
        except Malformed:
            raise Unreadable from None
        url = parsed.get("url") if isinstance(parsed, dict) else None
        if not isinstance(url, str):
            raise Unreadable
        return Instructions("url", (), Effect.CONNECTS, has_bad_stream=not is_stream_address(url))

    def _pages(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
        """Yields each page's rows up to the end. Raises Refusal if the end is not reached.

        The page addresses in Exotel's responses lead to another host over http, so they are not opened.
        """
        earlier_rows: set[str] = set()
        for page in range(MOST_PAGES):
            answer = self._get(http, values, "v2_beta", "IncomingPhoneNumbers", Page=page, PageSize=PAGE)
            if answer.status in REFUSALS:
                raise Refusal(_refusal(answer))
            rows = json_list(answer, "incoming_phone_numbers")
            fresh = [row for row in rows if repr(row) not in earlier_rows]
            if rows and not fresh:
                raise Refusal(CUT)
            yield fresh
            if _is_last(json_object(answer)):
                return
            earlier_rows |= set(map(repr, fresh))
        raise pagination_error(self.label)

    def last_calls(
        self,
        http: Outbound,
        values: Mapping[str, Any],
        phone_numbers: Collection[str],
        since: datetime | None,
    ) -> LastCalls:
        """Reads month by month, newest first, until each number's last call is found.

        Exotel lists calls that have ended.
        """
        self.require_credentials(values)
        end = clock.now() + timedelta(days=1)
        begin = since or end - MONTHS * MONTH
        number = next(iter(phone_numbers)) if len(phone_numbers) == 1 else None
        by_number: dict[str, ProviderCall] = {}
        while end > begin and by_number.keys() != set(phone_numbers):
            start = max(begin, end - MONTH)
            by_number = calls.newest(self._calls(http, values, start, end, number), phone_numbers) | by_number
            end = start
        return LastCalls(by_number, begin)

    def _calls(
        self, http: Outbound, values: Mapping[str, Any], start: datetime, end: datetime, number: str | None
    ) -> list[ProviderCall]:
        """Returns the calls between two times, at most a month apart.

        With `number`, stops at its last call.
        """
        query = {
            "DateCreated": f"gte:{_indian_time(start)};lte:{_indian_time(end)}",
            "Direction": "inbound",
            "SortBy": "DateCreated:desc",
            "PageSize": CALLS_PAGE,
        } | ({"PhoneNumber": number} if number else {})
        records: list[ProviderCall] = []
        cursors: set[str] = set()
        for _ in range(calls.MOST_PAGES):
            answer = self._get(http, values, "v1", "Calls.json", **query)
            if answer.status in REFUSALS:
                raise Refusal(_refusal(answer))
            records += [call for row in json_list(answer, "Calls") if (call := _call(row, number))]
            after = _next_cursor(json_object(answer))
            if not after or (number and records):
                return records
            if after in cursors:
                break
            cursors.add(after)
            query["After"] = after
        raise pagination_error(self.label)

    def _get(
        self, http: Outbound, values: Mapping[str, Any], version: str, what: str, **query: Any
    ) -> Answer:
        base = self.api_base.in_force(values.get("api_base"))
        return http.send(
            "GET",
            f"{base}/{version}/Accounts/{quote(values['account_sid'], safe='')}/{what}",
            query=query,
            auth=(values["api_key"], values["api_token"]),
        )


def _number(row: Mapping[str, Any]) -> ProviderNumber | None:
    """Returns the number of a row; None if it is unreadable.

    Exotel does not return which URL a flow calls.
    """
    if not (phone_number := _phone_number(row)):
        return None
    url = numbers.one_line(row.get("voice_url"), 2000)
    flow = _flow(url)
    sid = row.get("sid")
    number = ProviderNumber(
        phone_number=phone_number,
        label=numbers.one_line(row.get("friendly_name")),
        webhook_url=url,
        shows_webhook=flow is None and isinstance(row.get("voice_url", 0), str | None),
        override_name=flow or "",
        reference=numbers.one_line(str(sid) if isinstance(sid, int) else sid) or "",
        has_voice=numbers.has_voice(row.get("capabilities")),
    )
    if status := numbers.out_of_service(row.get("status")):
        fault = Fault(Reason.BLOCKED, f"Exotel says that this number is {status}: it takes no calls.")
        number = numbers.with_faults(number, fault)
    number = numbers.with_unread_voice(number, row.get("capabilities"))
    number = numbers.with_unread(number, row, ["status"])
    return numbers.with_unread(number, row, ["voice_url"], decides_url=True)


def _flow(url: str | None) -> str | None:
    """Returns the id of the flow that the URL starts; None if the URL is not a flow's."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    match = FLOW.fullmatch(f"{(parts.hostname or '').rstrip('.')}{parts.path}")
    return match[3] if match else None


def _phone_number(row: Mapping[str, Any]) -> str | None:
    """Returns the row's number in E.164; None if it is unreadable.

    A number without `+`, such as 08055500001, is read with the row's country, by default India.
    """
    written, country = row.get("phone_number"), row.get("country")
    if not isinstance(written, str):
        return None
    is_known = isinstance(country, str) and country in phone.country_names()
    try:
        return phone.normalize(written, country if is_known else "IN")
    except ValueError:
        return None


def _call(row: Mapping[str, Any], number: str | None) -> ProviderCall | None:
    """Returns the incoming call of a row; None for any other row.

    `PhoneNumberSid` is the ExoPhone, and `To` an agent's phone. `number` is the number that was searched for.
    """
    started = calls.from_iso(row.get("StartTime") or row.get("DateCreated"), INDIA)
    called = _phone_number({"phone_number": row.get("PhoneNumberSid")}) or number
    if started is None or called is None or row.get("Direction") != "inbound":
        return None
    outcome = calls.outcome(OUTCOMES, row.get("Status"))
    return ProviderCall(called, min(started, clock.now()), outcome)


def _indian_time(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=UTC).astimezone(INDIA):%Y-%m-%d %H:%M:%S}"


def _next_cursor(page: Mapping[str, Any]) -> str:
    """Returns the cursor from the next page's URI, which is not opened itself; empty at the end."""
    metadata = page.get("Metadata")
    uri = metadata.get("NextPageUri") if isinstance(metadata, dict) else None
    if not isinstance(uri, str):
        return ""
    try:
        return parse_qs(urlsplit(uri).query).get("After", [""])[0]
    except ValueError:
        return ""


def _is_last(page: Mapping[str, Any]) -> bool:
    """Whether the page is the last one: it links to no other page, or is not full.

    A page without the link field is the last one unless it is full.
    """
    count, size = len(page["incoming_phone_numbers"]), page.get("page_size")
    if type(size) is int and count < size:
        return True
    return not (count and page.get("next_page_uri", count == (size or PAGE)))


def _call_parameters(call: SampleCall) -> dict[str, str]:
    """Returns the parameters of a Passthru applet's request."""
    at = call.at.strftime("%Y-%m-%d %H:%M:%S")
    return {
        "CallSid": call.test_id,
        "CallFrom": call.phone_number,
        "CallTo": call.phone_number,
        "Direction": "incoming",
        "Created": at,
        "StartTime": at,
        "CurrentTime": at,
        "CallType": "completed" if call.has_ended else "call-attempt",
        "CallStatus": "completed" if call.has_ended else "ringing",
        MARK: call.test_id,
    }


def _refusal(answer: Answer) -> Verified:
    if answer.status in REFUSALS and _is_exotel_error(answer):
        return refused(*REFUSALS[answer.status])
    return unexpected(answer)


def _is_exotel_error(answer: Answer) -> bool:
    """Whether the response is an error of Exotel's API: JSON, or XML with this element."""
    return bool(json_object(answer)) or b"RestException" in answer.body or is_unauthorized(answer)
