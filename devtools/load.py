"""Writers that continuously change endpoints of a running Patchbay, and record the acknowledgements.

Each writer is a thread with its own numbers. The ledger records the inbound agent of each number, because
every way of writing can set it.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from devtools.clients import ApiClient, PortalClient, Refused, Response, Unanswered
from devtools.ledger import Audit, Ledger
from devtools.scopes import PASSWORD
from devtools.server import Server

SECONDS = 120
ROWS = 20
"""How many rows each import has."""
PAUSE = 0.05
"""Seconds from an unanswered request to the next one."""
UPDATES = 3
"""How many times a writer changes each endpoint that it creates."""
EMAIL = "writer@acme.example"


@dataclass(frozen=True)
class Account:
    """A superadmin, their organization and their token."""

    email: str
    slug: str
    token: str


class Writer(ABC, threading.Thread):
    """Writes until it is stopped. Retries while the server does not respond."""

    def __init__(self, number: int, url: str, account: Account, ledger: Ledger) -> None:
        super().__init__(name=f"{type(self).__name__} {number}", daemon=True)
        self.url = url
        self.account = account
        self.ledger = ledger
        self.statuses: Counter[int] = Counter()
        """Statuses of all responses, also to requests that prepare a write."""
        self.unanswered = 0
        self.failure: BaseException | None = None
        self._place = number
        self._numbers = count(1)
        self._values = count(1)
        self._stopped = threading.Event()

    @abstractmethod
    def write(self) -> None:
        """Performs one round of writes. Unanswered or Refused ends the round; another one follows."""

    def run(self) -> None:
        try:
            while not self._stopped.is_set():
                try:
                    self.write()
                except Unanswered:
                    self.unanswered += 1
                    self._stopped.wait(PAUSE)
                except Refused as refused:
                    self.count(refused.response)
                    self._stopped.wait(PAUSE)
        except BaseException as failure:  # noqa: BLE001 (raised again by `stop`)
            self.failure = failure

    def stop(self) -> None:
        self._stopped.set()

    def count(self, response: Response) -> Response:
        self.statuses[response.status] += 1
        return response

    def number(self) -> str:
        """Returns an unused phone number."""
        return f"+1555{self._place:02}{next(self._numbers):05}"

    def value(self) -> str:
        return f"agent-{self._place}-{next(self._values)}"


class ApiWriter(Writer):
    """Creates an endpoint and changes it a few times."""

    def __init__(self, number: int, url: str, account: Account, ledger: Ledger) -> None:
        super().__init__(number, url, account, ledger)
        self._client = ApiClient(url, account.token)

    def write(self) -> None:
        number, value = self.number(), self.value()
        body = {"phone_number": number, "provider": "twilio", "inbound_agent_name": value}
        response = self._send("POST", "/api/settings/endpoints", number, body)
        for _ in range(UPDATES if response.status == 201 else 0):
            self._send(
                "PUT",
                f"/api/settings/endpoints/{response.json()['id']}",
                number,
                {"inbound_agent_name": self.value()},
            )

    def _send(self, method: str, path: str, number: str, body: Mapping[str, str]) -> Response:
        write = self.ledger.begin({number: body["inbound_agent_name"]})
        answer = self.count(self._client.call(method, path, body))
        self.ledger.settle(write, answer.status)
        return answer


class FormWriter(Writer):
    """Creates endpoints through the portal's form."""

    def __init__(self, number: int, url: str, account: Account, ledger: Ledger) -> None:
        super().__init__(number, url, account, ledger)
        self._client = PortalClient(url)
        self._client.sign_in(account.email)
        self._base = f"/o/{account.slug}/endpoints"

    def write(self) -> None:
        address, form = self._client.form(f"{self._base}/new", "phone_number")
        number, value = self.number(), self.value()
        typed = {"phone_number": number, "provider": "twilio", "inbound_agent_name": value}
        write = self.ledger.begin({number: value})
        self.ledger.settle(write, self.count(self._client.post(address, form, typed)).status)


class ImportWriter(FormWriter):
    """Imports some endpoints as CSV."""

    def write(self) -> None:
        page = self._client.form(f"{self._base}/import", "rows")
        values = {self.number(): self.value() for _ in range(ROWS)}
        rows = [f"{number},twilio,{value}" for number, value in values.items()]
        sheet = "\n".join(["phone_number,provider,inbound_agent_name", *rows])
        checked = self.count(self._client.post(*page, {"rows": sheet}))
        if checked.status != 303:
            raise Refused(checked)
        address, form = self._client.form(checked.headers["Location"], "version")
        write = self.ledger.begin(values)
        self.ledger.settle(write, self.count(self._client.post(address, form, {})).status)


class BulkWriter(FormWriter):
    """Imports some endpoints, and repeatedly changes the agent of all of them in one bulk change."""

    def __init__(self, number: int, url: str, account: Account, ledger: Ledger) -> None:
        super().__init__(number, url, account, ledger)
        self._importer = ImportWriter(number, url, account, ledger)
        self._api = ApiClient(url, account.token)
        self._ids: dict[str, str] = {}

    def write(self) -> None:
        if not self._ids:
            self._create()
        value = self.value()
        selected = "&".join(f"id={endpoint_id}" for endpoint_id in self._ids.values())
        page = f"{self._base}/many?do=inbound_agent_name&{selected}"
        address, form = self._client.form(page, "inbound_agent_name")
        ids, self._ids = self._ids, {}
        write = self.ledger.begin(dict.fromkeys(ids, value))
        answer = self.count(self._client.post(address, form, {"inbound_agent_name": value}))
        if self.ledger.settle(write, answer.status):
            self._ids = ids

    def _create(self) -> None:
        """Creates endpoints through the API. Requests without a response are not repeated."""
        ids = {}
        for _ in range(ROWS):
            number, value = self.number(), self.value()
            body = {"phone_number": number, "provider": "twilio", "inbound_agent_name": value}
            write = self.ledger.begin({number: value})
            answer = self.count(self._api.call("POST", "/api/settings/endpoints", body))
            if self.ledger.settle(write, answer.status):
                ids[number] = answer.json()["id"]
        self._ids = ids


EVERY_KIND: tuple[type[Writer], ...] = (ApiWriter, FormWriter, ImportWriter, BulkWriter)


@dataclass
class Load:
    """Running writers."""

    server: Server
    account: Account
    ledger: Ledger
    writers: list[Writer] = field(default_factory=list)

    @property
    def statuses(self) -> Counter[int]:
        """The number of responses with each status so far."""
        return sum((writer.statuses for writer in self.writers), Counter())

    @property
    def unanswered(self) -> int:
        return sum(writer.unanswered for writer in self.writers)

    def wait_for(self, acknowledged: int, *, seconds: float = SECONDS) -> None:
        """Waits for that many more acknowledged writes."""
        aim = self.ledger.acknowledged + acknowledged
        deadline = time.monotonic() + seconds
        while self.ledger.acknowledged < aim:
            self.raise_failures()
            assert time.monotonic() < deadline, (
                f"{self.ledger.acknowledged} of {aim} writes were acknowledged in time: {self.statuses}\n"
                f"{self.server.output()[-3000:]}"
            )
            time.sleep(0.005)

    def raise_failures(self) -> None:
        for writer in self.writers:
            if writer.failure is not None:
                raise AssertionError(f"{writer.name} ended") from writer.failure

    def stop(self) -> None:
        for writer in self.writers:
            writer.stop()
        for writer in self.writers:
            writer.join(SECONDS)
            assert not writer.is_alive(), f"{writer.name} does not end"
        self.raise_failures()

    def compare(self) -> Audit:
        """Returns the lost and torn writes, read through the API. Call it after `stop`."""
        return self.ledger.compare(stored_agents(self.server.url, self.account))


@contextmanager
def writing(
    server: Server,
    account: Account,
    kinds: Sequence[type[Writer]] = EVERY_KIND,
    *,
    first: int = 1,
) -> Iterator[Load]:
    """Starts a writer of each kind, which may be repeated, and stops them at the end.

    Two loads on one server need a different `first`, so that their numbers differ.
    """
    load = Load(server, account, Ledger())
    load.writers = [
        kind(number, server.url, account, load.ledger) for number, kind in enumerate(kinds, start=first)
    ]
    for writer in load.writers:
        writer.start()
    try:
        yield load
    finally:
        load.stop()


def superadmin(server: Server, organization: str = "Acme Support", email: str = EMAIL) -> Account:
    """Creates a superadmin of the organization, which is created too if it is new."""
    server.flask(
        *("users", "create", "--email", email, "--name", "Writer", "--role", "superadmin"),
        *("--organization", organization, "--password-stdin"),
        typed=f"{PASSWORD}\n",
    )
    token = server.flask("tokens", "create", "--email", email)
    return Account(email, organization.lower().replace(" ", "-"), token)


def stored_agents(url: str, account: Account) -> dict[str, str | None]:
    """Returns the inbound agent of every number that the API lists."""
    answer = ApiClient(url, account.token).call("GET", "/api/settings/endpoints")
    assert answer.status == 200, f"{answer.status} {answer.body[:300]!r}"
    return {row["phone_number"]: row["inbound_agent_name"] for row in answer.json()}
