"""Reads and changes the numbers and applications of one Vobiz account."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

from app.core.outbound.answer import Answer, OutboundError
from app.core.outbound.client import Outbound
from app.provider import (
    MOST_PAGES,
    Outcome,
    Refusal,
    Verified,
    incomplete,
    json_list,
    json_object,
    numbers,
    pagination_error,
    refused,
    unexpected,
)
from app.provider.answers import is_unauthorized
from app.provider.numbers import Fault, Listing, Override, ProviderNumber, Reason
from app.providers.vobiz import applications
from app.providers.vobiz.applications import Application, Applications

API = "https://api.vobiz.ai/api/v1"
PAGE = 100
MOST_NAMED = 50
"""How many of the numbers that share an application each entry of a list names."""
FLAGS = ("is_blocked", "voice_enabled")
"""The fields of a number's row that decide whether it takes calls."""

DONE = (200, 201, 202, 204)
"""The statuses of a request that succeeded."""
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
BACK_ON_TRUNK = refused(
    Outcome.NO_PERMISSION,
    "Nothing was changed: Patchbay does not put a number on a SIP trunk at Vobiz. Do that in its console.",
)
SHARED_NOW = refused(
    Outcome.NO_PERMISSION,
    "Nothing was changed: other numbers use the same application at Vobiz now.",
)
MANUAL_STEP = "In Vobiz's console, attach the number to an application whose answer URL is its webhook URL."


class _AlreadyAttached(Refusal):
    """Vobiz rejected attaching a number with 409: an application already has it."""


class Account:
    """One account's numbers and applications, each read when first needed."""

    def __init__(
        self, http: Outbound, values: Mapping[str, Any], known_applications: Applications | None = None
    ) -> None:
        self._http = http
        self._values = values
        self._known = Applications() if known_applications is None else known_applications
        self._headers = {"X-Auth-ID": values["auth_id"], "X-Auth-Token": values["auth_token"]}
        self._base = f"{API}/Account/{quote(values['auth_id'], safe='')}"

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """The rows by phone number. If a number is listed twice, the first row counts."""
        by_number: dict[str, Mapping[str, Any]] = {}
        for row in self._listed:
            if number := numbers.phone_number(row.get("e164")):
                by_number.setdefault(number, row)
        return by_number

    @cached_property
    def _listed(self) -> list[Mapping[str, Any]]:
        return self._all_rows("/numbers", "items", lambda page, _: {"page": page + 1, "per_page": PAGE})

    @property
    def _is_whole(self) -> bool:
        return all(numbers.is_named(row.get("e164")) for row in self._listed)

    @property
    def _applications(self) -> dict[str, Application]:
        if self._known.by_id is None:
            rows = self._all_rows(
                "/Application/", "objects", lambda _, offset: {"limit": PAGE, "offset": offset}
            )
            listed = (applications.read(row) for row in rows)
            self._known.by_id = {application.id: application for application in listed if application.id}
        return self._known.by_id

    @cached_property
    def _attached(self) -> Mapping[str, list[str]]:
        """The numbers of each application."""
        by_application: dict[str, list[str]] = defaultdict(list)
        for phone_number, row in self.rows.items():
            by_application[applications.id_of(row.get("application_id"))].append(phone_number)
        return by_application

    @cached_property
    def _own_ids(self) -> frozenset[str]:
        """The ids by which rows refer to the account: its auth ID, and the id of its own record."""
        answer = self._http.send("GET", f"{API}/auth/me", headers=self._headers)
        account = json_object(answer)
        if answer.status != 200 or not account:
            raise Refusal(refusal_of("GET", answer))
        return frozenset(
            {applications.id_of(account.get("id")), applications.id_of(account.get("auth_id"))} - {""}
        )

    def _owner(self, row: Mapping[str, Any]) -> str:
        """Returns the number's sub-account, as a parent's list includes them; empty for none."""
        named = row.get("account_id")
        owner = applications.id_of(named) or (str(named) if named else "")
        is_ours = owner.casefold() in ("", self._values["auth_id"].casefold()) or owner in self._own_ids
        return "" if is_ours else (numbers.one_line(owner) or "unknown")

    def numbers(self) -> Listing:
        yield from (self.number(phone_number, MOST_NAMED) for phone_number in self.rows)
        return self._is_whole

    def find(self, phone_number: str) -> ProviderNumber | None:
        if phone_number in self.rows:
            return self.number(phone_number)
        if not self._is_whole:
            raise incomplete("Vobiz")
        return None

    def number(self, phone_number: str, most_named: int | None = None) -> ProviderNumber:
        row = self.rows[phone_number]
        provider_number = replace(
            self._attached_number(phone_number, row, most_named),
            reference=applications.id_of(row.get("id")),
            has_voice=numbers.flag(row.get("voice_enabled")) is not False
            and numbers.has_voice(row.get("capabilities")),
        )
        texts = [name for name in ("application_id", "trunk_group_id") if type(row.get(name)) is not int]
        provider_number = numbers.with_unread(provider_number, row, ["status"], flags=FLAGS)
        provider_number = numbers.with_unread_voice(provider_number, row.get("capabilities"))
        provider_number = numbers.with_unread(provider_number, row, texts, decides_url=True)
        if owner := self._owner(row):
            provider_number = replace(provider_number, owner=owner, shows_webhook=False, webhook_url=None)
        return numbers.with_faults(provider_number, *_faults(row, owner))

    def _attached_number(
        self, phone_number: str, row: Mapping[str, Any], most_named: int | None
    ) -> ProviderNumber:
        trunk = applications.id_of(row.get("trunk_group_id"))
        if not (holder := applications.id_of(row.get("application_id"))):
            override = Override.TRUNK if trunk else None
            return ProviderNumber(phone_number, override=override, override_name=trunk)
        application = self._applications.get(holder)
        if application is None:
            return _unlisted(phone_number, holder)
        others = (other for other in self._attached[holder] if other != phone_number)
        number = application.number(phone_number, self._values)
        detail = f"The number is also on the SIP trunk {trunk}: Vobiz does not say which of the two answers."
        also = (Fault(Reason.TRUNK_OVERRIDES, detail),) if trunk else ()
        return replace(
            number, shared_with=tuple(islice(others, most_named)), warnings=(*number.warnings, *also)
        )

    def point(self, number: ProviderNumber, url: str) -> None:
        """Changes the number's application if no other number uses it; else moves the number."""
        _require_own(number)
        is_enabled = Reason.APPLICATION_DISABLED not in {fault.reason for fault in number.faults}
        is_own = number.application_id and not number.shared_with and number.override is None
        if is_own and is_enabled:
            self.change(number, url)
        else:
            self.move(number, url)

    def restore(self, number: ProviderNumber, before: ProviderNumber) -> None:
        """Attaches the number to its former application, or restores the URLs of its present one.

        Without a former application, the number is detached; the present application is not deleted.
        """
        _require_own(number)
        if before.override is Override.TRUNK:
            raise Refusal(BACK_ON_TRUNK)
        if not before.application_id:
            self._send("DELETE", f"{_path(number)}/application", done=(*DONE, 404))
        elif before.application_id != number.application_id:
            self._attach(number, Application(before.application_id, before.override_name))
        elif number.shared_with:
            raise Refusal(SHARED_NOW)
        else:
            self._update(
                number.application_id,
                {
                    "answer_url": before.webhook_url or "",
                    "answer_method": before.method or "POST",
                    "fallback_answer_url": before.fallback_url or "",
                    "hangup_url": before.status_url or "",
                },
            )

    def change(self, number: ProviderNumber, url: str) -> None:
        """Changes the application's URLs.

        Its hang-up URL stays, unless it is the answer URL or unexpected.
        """
        changes = {"answer_url": url, "answer_method": "POST"}
        reasons = {fault.reason for fault in numbers.differences(number, url)}
        if Reason.DIFFERENT_FALLBACK in reasons:
            changes["fallback_answer_url"] = number.expected_fallback or ""
        if number.status_url is None or Reason.DIFFERENT_STATUS_CALLBACK in reasons:
            changes |= {"hangup_url": _hangup_url(url, self._values), "hangup_method": "POST"}
        self._update(number.application_id, changes)

    def _update(self, application_id: str, changes: Mapping[str, str]) -> None:
        self._send("POST", f"/Application/{quote(application_id, safe='')}/", json=dict(changes))
        if self._known.by_id and (application := self._known.by_id.get(application_id)):
            self._known.by_id[application_id] = application.changed(changes)

    def move(self, number: ProviderNumber, url: str) -> None:
        """Moves the number to an application with `url`; a new one is deleted if that fails."""
        existing = next((one for one in self._applications.values() if one.does(url, self._values)), None)
        application = existing or self._create_application(url)
        notes: list[str] = []
        try:
            if number.override is Override.TRUNK:
                self._send("DELETE", f"{_path(number)}/assign", done=(*DONE, 404))
                notes.append("The number was removed from its trunk.")
            self._attach(number, application)
        except (Refusal, OutboundError) as error:
            if not existing and not self._delete_application(application):
                notes.append(
                    f"The application “{application.name}” was made for it and is still at Vobiz: delete it "
                    "there if no number uses it."
                )
            raise _with_notes(error, notes) from None

    def _create_application(self, url: str) -> Application:
        name = numbers.one_line(f"Patchbay {unquote(url.rpartition('/')[2])}", 60)
        payload = {
            "app_name": name,
            "answer_url": url,
            "answer_method": "POST",
            "hangup_url": _hangup_url(url, self._values),
            "hangup_method": "POST",
        }
        if fallback := self._values.get("fallback_url"):
            payload["fallback_answer_url"] = fallback
        answer = self._send("POST", "/Application/", json=payload)
        application = applications.read({**json_object(answer), **payload})
        if not application.id:
            raise Refusal(unexpected(answer))
        self._applications[application.id] = application
        return application

    def _attach(self, number: ProviderNumber, application: Application) -> None:
        try:
            self._set_application(number, application.id)
        except _AlreadyAttached as error:
            if not number.application_id:
                raise _with_notes(error, [MANUAL_STEP]) from None
            self._replace_application(number, application)

    def _set_application(self, number: ProviderNumber, application_id: str) -> None:
        """Attaches the number. After a failed request, checks whether it is attached nevertheless."""
        try:
            self._send("POST", f"{_path(number)}/application", json={"application_id": application_id})
        except (Refusal, OutboundError):
            if not self._is_attached(number, application_id):
                raise

    def _replace_application(self, number: ProviderNumber, application: Application) -> None:
        """Detaches the number from its application first, and attaches it again if the move fails."""
        try:
            self._send("DELETE", f"{_path(number)}/application", done=(*DONE, 404))
            self._set_application(number, application.id)
        except (Refusal, OutboundError) as error:
            code = error.result.code if isinstance(error, Refusal) else Outcome.UNEXPECTED_ANSWER
            back = "It is on" if self._reattach(number) else "It could not be returned to"
            notes = [f"{back} its former application, “{number.override_name}”.", MANUAL_STEP]
            raise _with_notes(Refusal(refused(Outcome(code), _reason(error))), notes) from None

    def _reattach(self, number: ProviderNumber) -> bool:
        """Attaches the number to its former application, and returns whether that succeeded."""
        try:
            self._set_application(number, number.application_id)
        except (Refusal, OutboundError):
            return False
        return True

    def _is_attached(self, number: ProviderNumber, application_id: str) -> bool:
        try:
            row = Account(self._http, self._values).rows.get(number.phone_number, {})
        except (Refusal, OutboundError):
            return False
        return applications.id_of(row.get("application_id")) == application_id

    def _delete_application(self, application: Application) -> bool:
        """Returns whether the application is gone: Vobiz refuses while a number is attached to it."""
        try:
            self._send("DELETE", f"/Application/{quote(application.id, safe='')}/", done=(*DONE, 404))
        except (Refusal, OutboundError):
            return False
        self._applications.pop(application.id, None)
        return True

    def _all_rows(
        self, path: str, name: str, query: Callable[[int, int], Mapping[str, int]]
    ) -> list[Mapping[str, Any]]:
        """Returns every row; `query` returns a page's parameters from its index and earlier rows."""
        rows: list[Mapping[str, Any]] = []
        last: list[Mapping[str, Any]] = []
        for page in range(MOST_PAGES):
            answer = self._send("GET", path, query=query(page, len(rows)))
            more = json_list(answer, name)
            if more and more == last:
                break
            rows += more
            total, count = _total(json_object(answer)), len({repr(row) for row in rows})
            if not more and count < total < math.inf:
                raise Refusal(INCOMPLETE)
            if not more or count == total:
                return rows
            last = more
        raise pagination_error("Vobiz")

    def _send(self, method: str, path: str, *, done: Container[int] = DONE, **more: Any) -> Answer:
        """Sends a request.

        Raises Refusal for another status, or a body that is neither empty nor an object.
        """
        answer = self._http.send(method, self._base + path, headers=self._headers, **more)
        is_read = answer.body.strip() in (b"", b"{}") or json_object(answer)
        if answer.status == 409 and path.endswith("/application"):
            raise _AlreadyAttached(TAKEN)
        if answer.status not in done or not is_read:
            raise Refusal(refusal_of(method, answer))
        return answer


def _unlisted(phone_number: str, application_id: str) -> ProviderNumber:
    detail = (
        f"The number is attached to the application {application_id}, which Vobiz does not list for this "
        "account: what it calls is not known. It may be a sub-account's."
    )
    return ProviderNumber(
        phone_number,
        shows_webhook=False,
        override_name=application_id,
        application_id=application_id,
        faults=(Fault(Reason.NOT_SHOWN, detail),),
    )


def _require_own(number: ProviderNumber) -> None:
    """Raises Refusal for another account's number."""
    if number.owner:
        sentence = (
            f"Nothing was changed: the number belongs to the sub-account {number.owner}, and Patchbay does "
            "not write to another account's numbers."
        )
        raise Refusal(refused(Outcome.NO_PERMISSION, sentence))


def _hangup_url(url: str, values: Mapping[str, Any]) -> str:
    """Returns the expected hang-up URL, or else one beside the webhook.

    Without any, Vobiz would call the webhook again.
    """
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
    state = "released" if row.get("released_at") else ""
    state = numbers.out_of_service(row.get("status")) or state
    if numbers.flag(row.get("is_blocked")):
        state = "blocked"
    if state:
        detail = f"Vobiz says that this number is {state}: it takes no calls. See its console."
        yield Fault(Reason.BLOCKED, detail)


def _path(number: ProviderNumber) -> str:
    return f"/numbers/{quote(number.phone_number, safe='')}"


def _total(page: Mapping[str, Any]) -> float:
    """Returns the number of rows on all pages; infinity if unknown, as an empty page ends them."""
    meta = page.get("meta")
    total = meta.get("total_count") if isinstance(meta, dict) else page.get("total")
    return total if type(total) is int else math.inf


def refusal_of(method: str, answer: Answer) -> Verified:
    if is_unauthorized(answer):
        return UNKNOWN
    by_status = {403: FORBIDDEN} | ({} if method == "GET" else {404: GONE})
    if answer.status in by_status and _is_error(json_object(answer)):
        return by_status[answer.status]
    return unexpected(answer)


def _with_notes(error: Refusal | OutboundError, notes: list[str]) -> Refusal | OutboundError:
    """Returns the error with a sentence for each thing that has changed nevertheless."""
    if not notes:
        return error
    code = error.result.code if isinstance(error, Refusal) else Outcome.UNREACHABLE
    return Refusal(refused(Outcome(code), " ".join([_reason(error), *notes])))


def _reason(error: Refusal | OutboundError) -> str:
    return error.result.reason if isinstance(error, Refusal) else error.message


def _is_error(document: Mapping[str, Any]) -> bool:
    """Whether the body is an error: `error` is text in two of Vobiz's formats, else an object."""
    return bool(document.get("error") or document.get("message"))
