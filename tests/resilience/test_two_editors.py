"""Two editors change one connection at the same time, through the API, the form, or one of each.

Both read it before either saves, so that one of them is refused each time.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor

import pytest

from devtools.clients import ApiClient, PortalClient
from devtools.load import Account
from devtools.server import Server
from tests.support.denominators import Report

SECONDS = 60
FIELD = "exotel_max_concurrent"
SETTINGS = "/api/settings/telephony"


class Editor(ABC):
    """Raises a number of the connection by one, again and again."""

    def __init__(self, server: Server, account: Account) -> None:
        self.refused = 0
        self.connect(server, account)

    @abstractmethod
    def connect(self, server: Server, account: Account) -> None: ...

    @abstractmethod
    def read(self) -> int:
        """The number that is stored; `save` refers to this version of it."""

    @abstractmethod
    def save(self, number: int) -> int:
        """The status of the response."""

    def raise_by_one(self, both_have_read: threading.Barrier) -> None:
        """Reads again after a 412, as a person does who is shown the other's change."""
        number = self.read()
        both_have_read.wait(SECONDS)
        while (status := self.save(number + 1)) == 412:
            self.refused += 1
            number = self.read()
        assert status in (200, 303), status


class ApiEditor(Editor):
    def connect(self, server: Server, account: Account) -> None:
        self._client = ApiClient(server.url, account.token)
        self._tag = ""

    def read(self) -> int:
        answer = self._client.call("GET", SETTINGS)
        self._tag = answer.headers["ETag"]
        return int(answer.json()[FIELD])

    def save(self, number: int) -> int:
        return self._client.call("PUT", SETTINGS, {FIELD: number}, if_match=self._tag).status


class FormEditor(Editor):
    def connect(self, server: Server, account: Account) -> None:
        self._browser = PortalClient(server.url)
        self._browser.sign_in(account.email)
        self._page = f"/o/{account.slug}/providers/exotel"

    def read(self) -> int:
        self._address, self._form = self._browser.form(self._page, FIELD)
        return int(self._form.one("input", name=FIELD)["value"])

    def save(self, number: int) -> int:
        return self._browser.post(self._address, self._form, {FIELD: number}).status


@pytest.mark.thorough(
    "test_concurrent_edits_of_one_version_refuse_one",
    "test_conflict_shows_both_values_and_loses_neither",
    "test_save_with_stale_etag_is_412",
)
@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param((ApiEditor, FormEditor), id="API and form"),
        pytest.param((ApiEditor, ApiEditor), id="API and API"),
        pytest.param((FormEditor, FormEditor), id="form and form"),
    ],
)
def test_two_editors_lose_no_update(
    shared_portal: Server, account: Account, kinds: tuple[type[Editor], ...], full: bool, report: Report
) -> None:
    rounds = 100 if full else 5
    first = {"public_base_url": "https://voice.acme.example", FIELD: 1}
    assert ApiClient(shared_portal.url, account.token).call("PUT", SETTINGS, first).status == 200
    editors = [kind(shared_portal, account) for kind in kinds]
    both_have_read = threading.Barrier(len(editors))

    def edit(editor: Editor) -> None:
        for _ in range(rounds):
            editor.raise_by_one(both_have_read)

    with ThreadPoolExecutor(len(editors)) as threads:
        list(threads.map(edit, editors))
    saved = editors[0].read() - 1
    saves = rounds * len(editors)
    report("Two editors of one row", tried=saves, survived=saved, lost=saves - saved, of=saves)
    assert saved == saves
    assert sum(editor.refused for editor in editors) >= rounds
