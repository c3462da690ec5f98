from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

from app.core import urls
from app.core.outbound.answer import Answer, OutboundError
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
    Text,
    Verified,
    json_list,
    json_object,
    numbers,
    pagination_error,
    proven,
    refused,
    unexpected,
)
from app.provider.answers import is_unauthorized
from app.provider.numbers import Override, ProviderNumber

API = "https://api.vobiz.ai/api/v1"
PAGE = 100
MOST_NAMED = 50
"""Of the numbers that share an application, in each line of a list."""
DONE = (200, 201, 202, 204)
UNKNOWN = refused(
    Outcome.BAD_CREDENTIALS,
    "Vobiz rejects this auth ID and token. Compare both with its console's account page.",
)
FORBIDDEN = refused(
    Outcome.NO_PERMISSION,
    "These Vobiz credentials lack a permission. Check it in the Vobiz console.",
)
GONE = refused(
    Outcome.NOT_FOUND,
    "Vobiz no longer has the number, or the application that it is attached to. Check its console.",
)
INCOMPLETE = refused(
    Outcome.UNEXPECTED_ANSWER,
    "Vobiz lists less than it counts. Try again. If this continues, check its console.",
)
TAKEN = refused(
    Outcome.UNEXPECTED_ANSWER,
    "Vobiz did not attach the number: an application has it already (HTTP 409).",
)
MANUAL_STEP = "In Vobiz's console, attach the number to an application whose answer URL is its webhook URL."


class Vobiz(Provider):
    key = "vobiz"
    label = "Vobiz"
    position = 40
    families = (Family.TELEPHONY,)
    summary = "For agent calls."
    shared_note = "The other numbers keep this application: an application of its own is made for this one."
    webhook_steps = (
        "In the Vobiz console, open the application that the number is attached to.",
        "Paste the URL as its answer URL, method POST, and save.",
        "Every number attached to that application is answered by the same URL.",
    )

    auth_id = Text("Auth ID", help="Vobiz console → Account. Starts with MA_ or SA_.", required=True)
    auth_token = Secret("Auth token", help="Vobiz console → Account, with the auth ID.", required=True)
    phone_number = PhoneNumber("Phone number", help="The default caller number.", group="Calls")
    max_concurrent = Count(
        "Max concurrent calls",
        help="How many agent calls may run at the same time.",
        default=5,
        group="Calls",
    )

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the account of the credentials. The response contains a secret, so no part is passed on."""
        if lacking := self.missing_credentials(values):
            return lacking
        headers = {"X-Auth-ID": values["auth_id"], "X-Auth-Token": values["auth_token"]}
        answer = http.send("GET", f"{API}/auth/me", headers=headers)
        found = json_object(answer)
        if answer.status == 200 and isinstance(found.get("auth_id"), str):
            return _account(found, values["auth_id"])
        if answer.status == 401 and _is_error(found):
            return UNKNOWN
        if answer.status == 403 and _is_error(found):
            return refused(
                Outcome.NO_PERMISSION,
                "These Vobiz credentials may not read their account. Check their permissions in its console.",
            )
        return unexpected(answer)

    def numbers(self, http: Outbound, values: Mapping[str, Any]) -> Iterator[ProviderNumber]:
        """Reads all pages before the first number: only then is known who shares an application.

        A line names the first few of those.
        """
        self.require_credentials(values)
        account = _Account(http, values)
        yield from (account.line(phone_number, MOST_NAMED) for phone_number in account.rows)

    def observe(self, http: Outbound, values: Mapping[str, Any], phone_number: str) -> ProviderNumber | None:
        """Reads all numbers, because no search returns the others that share the application."""
        self.require_credentials(values)
        account = _Account(http, values)
        return account.line(phone_number) if phone_number in account.rows else None

    def point(self, http: Outbound, values: Mapping[str, Any], line: ProviderNumber, url: str) -> None:
        """Changes the number's application if no other number uses it; else moves the number."""
        self.require_credentials(values)
        account = _Account(http, values)
        if line.application_id and not line.shared_with:
            account.change(line.application_id, url)
        else:
            account.move(line, url)


class _Taken(Refusal):
    """Something else has it."""


@dataclass(frozen=True)
class _Application:
    id: str
    name: str
    url: str | None = None
    method: str | None = None

    def calls(self, url: str) -> bool:
        is_same = self.url is not None and urls.same(self.url, url)
        return is_same and (self.method or "POST").upper() == "POST"


class _Account:
    """One account's numbers and applications, each read when first needed."""

    def __init__(self, http: Outbound, values: Mapping[str, Any]) -> None:
        self._http = http
        self._values = values
        self._headers = {"X-Auth-ID": values["auth_id"], "X-Auth-Token": values["auth_token"]}
        self._base = f"{API}/Account/{quote(values['auth_id'], safe='')}"

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """By phone number."""
        rows = self._all("/numbers", "items", lambda page, _: {"page": page + 1, "per_page": PAGE})
        return {number: row for row in rows if (number := numbers.phone_number(row.get("e164")))}

    @cached_property
    def _applications(self) -> Mapping[str, _Application]:
        rows = self._all("/Application/", "objects", lambda _, seen: {"limit": PAGE, "offset": seen})
        found = (_application(row) for row in rows)
        return {application.id: application for application in found if application.id}

    @cached_property
    def _attached(self) -> Mapping[str, list[str]]:
        """The numbers of each application."""
        found: dict[str, list[str]] = defaultdict(list)
        for phone_number, row in self.rows.items():
            found[_id(row.get("application_id"))].append(phone_number)
        return found

    def line(self, phone_number: str, most_named: int | None = None) -> ProviderNumber:
        row = self.rows[phone_number]
        known = ProviderNumber(
            phone_number, reference=_id(row.get("id")), has_voice=row.get("voice_enabled") is not False
        )
        if not (holder := _id(row.get("application_id"))):
            trunk = _id(row.get("trunk_group_id"))
            override = Override.TRUNK if trunk else None
            return replace(known, override=override, override_name=trunk)
        application = self._applications.get(holder, _Application(holder, holder))
        others = (other for other in self._attached[holder] if other != phone_number)
        return replace(
            known,
            webhook_url=application.url,
            method=application.method,
            override_name=application.name,
            shared_with=tuple(islice(others, most_named)),
            application_id=holder,
        )

    def change(self, application_id: str, url: str) -> None:
        sent = {"answer_url": url, "answer_method": "POST"}
        self._send("POST", f"/Application/{quote(application_id, safe='')}/", json=sent)

    def move(self, line: ProviderNumber, url: str) -> None:
        """Moves it to an application with `url`. One made for it is deleted if that fails."""
        found = next((one for one in self._applications.values() if one.calls(url)), None)
        application = found or self._make(url)
        left: list[str] = []
        try:
            if line.override is Override.TRUNK:
                self._send("DELETE", f"{_path(line)}/assign", done=(*DONE, 404))
                left.append("The number was removed from its trunk.")
            self._attach(line, application)
        except (Refusal, OutboundError) as error:
            if not found and not self._remove(application):
                left.append(
                    f"The application “{application.name}” was made for it and is still at Vobiz: delete it "
                    "there if no number uses it."
                )
            raise _with(error, left) from None

    def _make(self, url: str) -> _Application:
        name = numbers.cleaned(f"Patchbay {unquote(url.rpartition('/')[2])}", 60)
        sent = {"app_name": name, "answer_url": url, "answer_method": "POST"}
        answer = self._send("POST", "/Application/", json=sent)
        application = _application({**json_object(answer), **sent})
        if not application.id:
            raise Refusal(unexpected(answer))
        return application

    def _attach(self, line: ProviderNumber, application: _Application) -> None:
        try:
            self._put(line, application.id)
        except _Taken as taken:
            if not line.application_id:
                raise _with(taken, [MANUAL_STEP]) from None
            self._swap(line, application)

    def _put(self, line: ProviderNumber, application_id: str) -> None:
        """Attaches the number. After a failure, checks whether it is attached nevertheless."""
        try:
            self._send("POST", f"{_path(line)}/application", json={"application_id": application_id})
        except (Refusal, OutboundError):
            if not self._is_attached(line, application_id):
                raise

    def _swap(self, line: ProviderNumber, application: _Application) -> None:
        """Detaches the number from its application first; reattaches it if the move fails."""
        try:
            self._send("DELETE", f"{_path(line)}/application", done=(*DONE, 404))
            self._put(line, application.id)
        except (Refusal, OutboundError) as error:
            code = error.result.code if isinstance(error, Refusal) else Outcome.UNEXPECTED_ANSWER
            back = "It is on" if self._is_back(line) else "It could not be returned to"
            notes = [f"{back} its former application, “{line.override_name}”.", MANUAL_STEP]
            raise _with(Refusal(refused(Outcome(code), _reason(error))), notes) from None

    def _is_back(self, line: ProviderNumber) -> bool:
        try:
            self._put(line, line.application_id)
        except (Refusal, OutboundError):
            return False
        return True

    def _is_attached(self, line: ProviderNumber, application_id: str) -> bool:
        try:
            row = _Account(self._http, self._values).rows.get(line.phone_number, {})
        except (Refusal, OutboundError):
            return False
        return _id(row.get("application_id")) == application_id

    def _remove(self, application: _Application) -> bool:
        """Whether it is gone. Vobiz keeps one that a number is attached to."""
        try:
            self._send("DELETE", f"/Application/{quote(application.id, safe='')}/", done=(*DONE, 404))
        except (Refusal, OutboundError):
            return False
        return True

    def _all(
        self, path: str, name: str, query: Callable[[int, int], Mapping[str, int]]
    ) -> list[Mapping[str, Any]]:
        """Every row; `query` makes a page's parameters of its place and of how many rows came before."""
        rows: list[Mapping[str, Any]] = []
        last: list[Mapping[str, Any]] = []
        for page in range(MOST_PAGES):
            answer = self._send("GET", path, query=query(page, len(rows)))
            more = json_list(answer, name)
            if more and more == last:
                break
            rows += more
            total = _total(json_object(answer))
            if not more and len(rows) < total < math.inf:
                raise Refusal(INCOMPLETE)
            if not more or len(rows) >= total:
                return rows
            last = more
        raise pagination_error(Vobiz.label)

    def _send(self, method: str, path: str, *, done: Container[int] = DONE, **more: Any) -> Answer:
        """Raises Refusal for another status, or a body that is neither empty nor an object."""
        answer = self._http.send(method, self._base + path, headers=self._headers, **more)
        is_read = answer.body.strip() in (b"", b"{}") or json_object(answer)
        if answer.status == 409 and path.endswith("/application"):
            raise _Taken(TAKEN)
        if answer.status not in done or not is_read:
            raise Refusal(_why(method, answer))
        return answer


def _application(row: Mapping[str, Any]) -> _Application:
    found = _id(row.get("app_id")) or _id(row.get("id"))
    return _Application(
        found,
        numbers.cleaned(row.get("app_name")) or found,
        numbers.cleaned(row.get("answer_url"), 2000),
        numbers.cleaned(row.get("answer_method"), 10),
    )


def _id(value: Any) -> str:
    """Its ids are text in some places, and may be numbers in others. Empty for none."""
    return numbers.cleaned(str(value) if isinstance(value, int) else value) or ""


def _path(line: ProviderNumber) -> str:
    return f"/numbers/{quote(line.phone_number, safe='')}"


def _total(found: Mapping[str, Any]) -> float:
    """Returns the number of rows on all pages; infinity if unknown, when an empty page is the end."""
    meta = found.get("meta")
    total = meta.get("total_count") if isinstance(meta, dict) else found.get("total")
    return total if isinstance(total, int) else math.inf


def _why(method: str, answer: Answer) -> Verified:
    if is_unauthorized(answer):
        return UNKNOWN
    known = {403: FORBIDDEN} | ({} if method == "GET" else {404: GONE})
    if answer.status in known and _is_error(json_object(answer)):
        return known[answer.status]
    return unexpected(answer)


def _with(error: Refusal | OutboundError, left: list[str]) -> Refusal | OutboundError:
    """The error, with a sentence for each thing that is not as it was before."""
    if not left:
        return error
    code = error.result.code if isinstance(error, Refusal) else Outcome.UNREACHABLE
    return Refusal(refused(Outcome(code), " ".join([_reason(error), *left])))


def _reason(error: Refusal | OutboundError) -> str:
    return error.result.reason if isinstance(error, Refusal) else error.message


def _account(found: Mapping[str, Any], auth_id: str) -> Verified:
    if found["auth_id"] != auth_id:
        return refused(
            Outcome.WRONG_ACCOUNT,
            "The auth token is of another account than this auth ID. Copy both from the same page.",
        )
    if found.get("enabled") is False or found.get("is_active") is False:
        return refused(Outcome.SUSPENDED, "The Vobiz account is not active. See its console.")
    return proven("Vobiz accepts the auth ID and token, and the account is active.")


def _is_error(found: Mapping[str, Any]) -> bool:
    """`error` is a word in two of Vobiz's shapes, and an object in the third."""
    return bool(found.get("error") or found.get("message"))
