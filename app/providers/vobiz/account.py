"""One Vobiz account: its numbers and applications, and changing them."""

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
    Outcome,
    Refusal,
    Verified,
    json_list,
    json_object,
    numbers,
    pagination_error,
    refused,
    unexpected,
)
from app.provider.answers import is_unauthorized
from app.provider.numbers import Fault, Override, ProviderNumber, Reason

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
OUT_OF_SERVICE = frozenset(
    {
        "suspended",
        "blocked",
        "inactive",
        "disabled",
        "expired",
        "released",
        "cancelled",
        "canceled",
        "terminated",
    }
)
"""States of a number in which it takes no calls."""

MANUAL_STEP = "In Vobiz's console, attach the number to an application whose answer URL is its webhook URL."


class _Taken(Refusal):
    """Something else has it."""


@dataclass(frozen=True)
class _Application:
    id: str
    name: str
    url: str | None = None
    method: str | None = None
    fallback_url: str | None = None
    hangup_url: str | None = None
    is_enabled: bool = True

    def line(self, phone_number: str, values: Mapping[str, Any]) -> ProviderNumber:
        """What a number does that is attached to the application."""
        line = ProviderNumber(
            phone_number,
            webhook_url=self.url,
            method=self.method,
            override_name=self.name,
            application_id=self.id,
            fallback_url=self.fallback_url,
            expected_fallback=values.get("fallback_url"),
            status_url=None if self.repeats_answer else self.hangup_url,
            expected_status_url=values.get("hangup_url"),
        )
        if not self.is_enabled:
            detail = f"The application “{self.name}” is disabled at Vobiz: no call gets an answer."
            line = numbers.with_faults(line, Fault(Reason.APPLICATION_DISABLED, detail))
        if self.url and self.repeats_answer:
            detail = (
                f"The application “{self.name}” has no hang-up URL of its own: Vobiz calls the webhook again "
                "when a call ends."
            )
            line = replace(line, warnings=(Fault(Reason.DIFFERENT_STATUS_CALLBACK, detail),))
        return line

    @property
    def repeats_answer(self) -> bool:
        """Whether the answer URL is called again at each hang-up: Vobiz does so without another URL."""
        return not self.hangup_url or (self.url is not None and urls.same(self.hangup_url, self.url))

    def does(self, url: str, values: Mapping[str, Any]) -> bool:
        """Whether a number that is attached to it does what is expected."""
        return not numbers.differences(self.line("", values), url)


class Account:
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

    @cached_property
    def _own_ids(self) -> frozenset[str]:
        """The ids that rows name the account by: its auth ID, or the id of its own record."""
        answer = self._http.send("GET", f"{API}/auth/me", headers=self._headers)
        found = json_object(answer)
        if answer.status != 200 or not found:
            raise Refusal(why("GET", answer))
        return frozenset({_id(found.get("id")), _id(found.get("auth_id"))} - {""})

    def _owner(self, row: Mapping[str, Any]) -> str:
        """The sub-account that the number belongs to: a parent's list has theirs too. Empty for none."""
        owner = _id(row.get("account_id"))
        is_ours = owner in ("", self._values["auth_id"]) or owner in self._own_ids
        return "" if is_ours else owner

    def lines(self) -> Iterator[ProviderNumber]:
        yield from (self.line(phone_number, MOST_NAMED) for phone_number in self.rows)

    def line(self, phone_number: str, most_named: int | None = None) -> ProviderNumber:
        row = self.rows[phone_number]
        known = replace(
            self._attached_line(phone_number, row, most_named),
            reference=_id(row.get("id")),
            has_voice=row.get("voice_enabled") is not False and numbers.has_voice(row.get("capabilities")),
        )
        if owner := self._owner(row):
            known = replace(known, owner=owner, shows_webhook=False, webhook_url=None)
        return numbers.with_faults(known, *_faults(row, owner))

    def _attached_line(
        self, phone_number: str, row: Mapping[str, Any], most_named: int | None
    ) -> ProviderNumber:
        trunk = _id(row.get("trunk_group_id"))
        if not (holder := _id(row.get("application_id"))):
            override = Override.TRUNK if trunk else None
            return ProviderNumber(phone_number, override=override, override_name=trunk)
        application = self._applications.get(holder, _Application(holder, holder))
        others = (other for other in self._attached[holder] if other != phone_number)
        line = application.line(phone_number, self._values)
        detail = f"The number is also on the SIP trunk {trunk}: Vobiz does not say which of the two answers."
        also = (Fault(Reason.TRUNK_OVERRIDES, detail),) if trunk else ()
        return replace(line, shared_with=tuple(islice(others, most_named)), warnings=(*line.warnings, *also))

    def point(self, line: ProviderNumber, url: str) -> None:
        """Changes the number's application if no other number uses it; else moves the number."""
        if line.owner:
            sentence = (
                f"Nothing was changed: the number belongs to the sub-account {line.owner}, and Patchbay does "
                "not write to another account's numbers."
            )
            raise Refusal(refused(Outcome.NO_PERMISSION, sentence))
        is_enabled = Reason.APPLICATION_DISABLED not in {fault.reason for fault in line.faults}
        is_own = line.application_id and not line.shared_with and line.override is None
        if is_own and is_enabled:
            self.change(line, url)
        else:
            self.move(line, url)

    def change(self, line: ProviderNumber, url: str) -> None:
        """Keeps a hang-up URL, unless it is the answer URL or another one is expected."""
        sent = {"answer_url": url, "answer_method": "POST"}
        reasons = {fault.reason for fault in numbers.differences(line, url)}
        if Reason.DIFFERENT_FALLBACK in reasons:
            sent["fallback_answer_url"] = line.expected_fallback or ""
        if line.status_url is None or Reason.DIFFERENT_STATUS_CALLBACK in reasons:
            sent |= {"hangup_url": _hangup_url(url, self._values), "hangup_method": "POST"}
        self._send("POST", f"/Application/{quote(line.application_id, safe='')}/", json=sent)

    def move(self, line: ProviderNumber, url: str) -> None:
        """Moves it to an application with `url`. One made for it is deleted if that fails."""
        found = next((one for one in self._applications.values() if one.does(url, self._values)), None)
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
        sent = {
            "app_name": name,
            "answer_url": url,
            "answer_method": "POST",
            "hangup_url": _hangup_url(url, self._values),
            "hangup_method": "POST",
        }
        if fallback := self._values.get("fallback_url"):
            sent["fallback_answer_url"] = fallback
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
            row = Account(self._http, self._values).rows.get(line.phone_number, {})
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
        raise pagination_error("Vobiz")

    def _send(self, method: str, path: str, *, done: Container[int] = DONE, **more: Any) -> Answer:
        """Raises Refusal for another status, or a body that is neither empty nor an object."""
        answer = self._http.send(method, self._base + path, headers=self._headers, **more)
        is_read = answer.body.strip() in (b"", b"{}") or json_object(answer)
        if answer.status == 409 and path.endswith("/application"):
            raise _Taken(TAKEN)
        if answer.status not in done or not is_read:
            raise Refusal(why(method, answer))
        return answer


def _application(row: Mapping[str, Any]) -> _Application:
    found = _id(row.get("app_id")) or _id(row.get("id"))
    return _Application(
        found,
        numbers.cleaned(row.get("app_name")) or found,
        numbers.cleaned(row.get("answer_url"), 2000),
        numbers.cleaned(row.get("answer_method"), 10),
        numbers.cleaned(row.get("fallback_answer_url"), 2000),
        numbers.cleaned(row.get("hangup_url"), 2000),
        row.get("enabled") is not False,
    )


def _hangup_url(url: str, values: Mapping[str, Any]) -> str:
    """The expected hang-up URL; if none is, one beside the webhook, because Vobiz would call that again."""
    if expected := values.get("hangup_url"):
        return str(expected)
    before, inbound, agent = url.rpartition("/inbound/")
    return f"{before}/hangup/{agent}" if inbound else f"{url.rstrip('/')}/hangup"


def _faults(row: Mapping[str, Any], owner: str) -> Iterator[Fault]:
    if owner:
        yield Fault(
            Reason.OF_SUBACCOUNT,
            f"This number belongs to the sub-account {owner}. Store that sub-account's auth ID and token in "
            "an organization of its own, or move the number in Vobiz's console.",
        )
    status = row.get("status")
    state = status.strip().lower() if isinstance(status, str) else ""
    if row.get("is_blocked") is True:
        state = "blocked"
    elif state not in OUT_OF_SERVICE:
        state = "released" if row.get("released_at") else ""
    if state:
        detail = f"Vobiz says that this number is {state}: it takes no calls. See its console."
        yield Fault(Reason.BLOCKED, detail)


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


def why(method: str, answer: Answer) -> Verified:
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


def _is_error(found: Mapping[str, Any]) -> bool:
    """`error` is a word in two of Vobiz's shapes, and an object in the third."""
    return bool(found.get("error") or found.get("message"))
