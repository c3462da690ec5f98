"""Work that takes a while tells how far it is, and comes to its end whoever looks on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from app.core.errors import Conflict
from app.edge import threads
from app.models import Endpoint
from app.services.endpoints import csv_import
from app.web.shell import jobs
from devtools.html import parse
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import HOME, Page, Portal
from tests.web.endpoints.test_csv import HEADER, NEW, PATH, led_on

SECONDS = 30
ROWS = "\n".join([HEADER, *(f"+1212555{n:04d},twilio,Reception,Line {n}" for n in range(50))])


@pytest.fixture(autouse=True)
def soon_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MANY", 50)
    monkeypatch.setattr(jobs, "EVERY", 0.001)


def sent(portal: Portal, path: str, **typed: str) -> Any:
    """The answer, of which nothing is read yet."""
    data = {"csrf_token": portal.token(), **typed}
    return portal.client.post(path, data=data, base_url=HOME)


def read_until(pieces: Iterator[bytes], text: str) -> str:
    found = ""
    while text not in found:
        found += next(pieces).decode()
    return found


def finished() -> None:
    """Waits for every work that goes on."""
    for thread in threading.enumerate():
        if thread.name == "work":
            thread.join(SECONDS)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., threading.Event]]:
    """Holds a service's function after some rows, until the event is set."""
    events: list[threading.Event] = []

    def hold(name: str) -> threading.Event:
        go_on = threading.Event()
        events.append(go_on)
        really = getattr(csv_import, name)

        def slow(*arguments: Any, tell: Any, **options: Any) -> Any:
            tell("Counting", 1500, 50_000)
            assert go_on.wait(SECONDS)
            return really(*arguments, tell=tell, **options)

        monkeypatch.setattr(csv_import, name, slow)
        return go_on

    yield hold
    for event in events:
        event.set()
    finished()


def test_what_is_done_is_shown_while_it_is_done(dana: Portal, held: Callable[..., threading.Event]) -> None:
    go_on = held("check")
    answer = sent(dana, NEW, rows=ROWS)
    assert (answer.status_code, answer.headers["X-Accel-Buffering"]) == (200, "no")
    pieces = answer.iter_encoded()
    said = read_until(pieces, "Counting: 1,500 of 50,000 rows")
    assert '<progress class="pb-progress" value="1500" max="50000"' in said
    go_on.set()
    page = parse(said + b"".join(pieces).decode())
    assert [step.text for step in page.one("main").all(css="pb-now")][-1] == "Done. See what came of it"
    address = page.one("main").one("a")["href"]
    assert page.one("meta", **{"http-equiv": "refresh"})["content"] == f"0;url={address}"
    assert "Will be added 50" in dana.get(address).text


def test_whoever_goes_away_finds_all_of_it_done(
    app: Flask, cast: Cast, dana: Portal, held: Callable[..., threading.Event]
) -> None:
    page = led_on(dana.get(NEW).press("Show what it would do", rows=ROWS))
    go_on = held("apply")
    answer = sent(dana, f"{page.path}/apply", version="1")
    read_until(answer.iter_encoded(), "Counting")
    answer.close()
    assert dana.get(page.path).has_button("Import 50 rows")
    go_on.set()
    finished()
    assert dana.get(page.path).title == "Imported endpoints"
    again = dana.post(f"{page.path}/apply", {"csrf_token": dana.token(), "version": "1"}, 412)
    assert again.title == "Imported endpoints"
    with scope_as(app, cast.dana) as scope:
        assert len(scope.session.scalars(scope.select(Endpoint)).all()) == 50


def test_a_large_import_leads_to_what_was_done(dana: Portal) -> None:
    page = led_on(dana.get(NEW).press("Show what it would do", rows=ROWS))
    done = led_on(page.press("Import 50 rows"))
    assert "Imported: 50 added, 0 changed." in done.notes
    assert done.title == "Imported endpoints"
    assert dana.get(page.path).notes == ""


def test_two_who_press_at_once_import_once(dana: Portal, held: Callable[..., threading.Event]) -> None:
    page = led_on(dana.get(NEW).press("Show what it would do", rows=ROWS))
    go_on = held("apply")
    first, second = (sent(dana, f"{page.path}/apply", version="1") for _ in range(2))
    go_on.set()
    led = [led_on(Page(dana, page.path, answer)) for answer in (first, second)]
    assert [page.title for page in led] == ["Imported endpoints"] * 2
    assert sorted(page.notes for page in led) == ["", "Done: Imported: 50 added, 0 changed."]


def test_a_change_in_between_leads_to_what_it_would_do_now(dana: Portal) -> None:
    page = led_on(dana.get(NEW).press("Show what it would do", rows=ROWS))
    one = dana.get(NEW).press("Show what it would do", rows=f"{HEADER}\n+12125550007,twilio,,")
    one.press("Import 1 row")
    again = led_on(page.press("Import 50 rows"))
    assert "Endpoints changed since you looked. Nothing was imported." in again.notes
    assert "Will be changed 1 Will be added 49" in again.text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Conflict("Somebody else was quicker."), "Somebody else was quicker."),
        (RuntimeError("made-up-secret"), "The log has it under the id"),
    ],
)
def test_what_goes_wrong_on_the_way_is_told_with_a_way_back(
    dana: Portal,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    said: str,
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise error

    monkeypatch.setattr(csv_import, "check", fail)
    page = dana.get(NEW).press("Show what it would do", rows=ROWS)
    assert said in page.notes
    assert "made-up-secret" not in page.source
    assert page.follow("Back").path == NEW
    logged = [record for record in caplog.records if "work.failed" in str(record.msg)]
    assert bool(logged) is isinstance(error, RuntimeError)


def test_what_cannot_be_read_is_told_before_the_work_begins(dana: Portal) -> None:
    page = dana.get(NEW).press("Show what it would do", 422, rows=f'{ROWS}\n+15551234567,"never closed')
    assert page.error("rows").startswith("Line 52 has a quotation mark that is not closed")
    refused = led_on(dana.get(NEW).press("Show what it would do", rows=f"{ROWS}\nnone,twilio,,"))
    dana.post(f"{refused.path}/apply", {"csrf_token": dana.token(), "version": "1"}, 409)
    assert dana.get(PATH).rows() == []


def test_more_than_a_few_at_once_are_refused_before_they_begin(
    dana: Portal, held: Callable[..., threading.Event]
) -> None:
    """So that they leave threads for other requests."""
    go_on = held("check")
    assert jobs.MOST < threads.FOR_OTHERS
    assert [sent(dana, NEW, rows=ROWS).status_code for _ in range(jobs.MOST)] == [200] * jobs.MOST
    refused = sent(dana, NEW, rows=ROWS)
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    go_on.set()
    finished()
    assert sent(dana, NEW, rows=ROWS).status_code == 200
