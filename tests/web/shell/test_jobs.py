"""The progress page of an import, which ends whether or not it is watched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask

from app import job_threads
from app.core.errors import Conflict
from app.models import Endpoint
from app.services import jobs as job_rows
from app.services.endpoints import csv_import
from app.services.jobs import Kind
from app.web.shell import jobs
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Portal
from tests.web.endpoints.test_csv import HEADER, NEW, PATH, SECONDS, led_on

ROWS = "\n".join([HEADER, *(f"+1212555{n:04d},twilio,Reception,Line {n}" for n in range(50))])
CHECK, IMPORT = "Preview import", "Import 50 rows"


@pytest.fixture(autouse=True)
def soon_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MANY", 50)


def finished() -> None:
    """Waits for every running job."""
    for thread in threading.enumerate():
        if thread.name == "job":
            thread.join(SECONDS)


@dataclass
class Held:
    """A function of the service that waits after some rows until `go_on` is set."""

    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Held]]:
    gates: list[Held] = []

    def hold(name: str) -> Held:
        gate = Held()
        gates.append(gate)
        really = getattr(csv_import, name)

        def slow(*arguments: Any, on_progress: Any, **options: Any) -> Any:
            on_progress("Counting", 1500, 50_000)
            gate.reached.set()
            assert gate.go_on.wait(SECONDS)
            return really(*arguments, on_progress=on_progress, **options)

        monkeypatch.setattr(csv_import, name, slow)
        return gate

    yield hold
    for gate in gates:
        gate.go_on.set()
    finished()


def test_show_polls_while_the_job_runs_and_leads_to_its_result(
    dana: Portal, hold: Callable[[str], Held]
) -> None:
    gate = hold("check")
    page = dana.get(NEW).press(CHECK, rows=ROWS)
    assert "/jobs/" in page.path
    assert gate.reached.wait(SECONDS)
    page = dana.get(page.path)
    bar = page.root.one("progress")
    assert (bar["aria-label"], bar["value"], bar["max"]) == ("Counting", "1500", "50000")
    refresh = page.root.one("meta", **{"http-equiv": "refresh"})
    assert refresh.parent
    assert (refresh["content"], refresh.parent.tag) == ("2", "noscript")
    block = dana.get(page.path, htmx="job")
    assert block.root.by_id("job")["hx-get"] == page.path
    gate.go_on.set()
    finished()
    block = dana.get(page.path, htmx="job")
    assert "hx-get" not in block.root.by_id("job").attrs
    result = dana.get(page.path)
    assert block.answer.headers["HX-Redirect"] == result.path
    assert result.has_button(IMPORT)


def test_apply_requested_twice_imports_once(
    app: Flask, cast: Cast, dana: Portal, hold: Callable[[str], Held]
) -> None:
    """Whether or not the user stays on its page."""
    page = led_on(dana.get(NEW).press(CHECK, rows=ROWS))
    gate = hold("apply")
    submitted = {"csrf_token": dana.token(), "version": "1"}
    pages = [dana.post(f"{page.path}/apply", submitted) for _ in range(2)]
    assert gate.reached.wait(SECONDS)
    assert dana.get(page.path).has_button(IMPORT)
    gate.go_on.set()
    finished()
    assert not dana.get(page.path).has_button(IMPORT)
    done = {ended.path: ended for ended in map(led_on, pages)}
    assert done.keys() == {page.path, f"{page.path}?imported=1"}
    assert "50" in done[f"{page.path}?imported=1"].notes
    assert dana.get(page.path).notes == ""
    dana.post(f"{page.path}/apply", submitted, 412)
    with scope_as(app, cast.dana) as scope:
        assert len(scope.session.scalars(scope.select(Endpoint)).all()) == 50


def test_apply_after_a_change_leads_to_a_new_preview(dana: Portal) -> None:
    page = led_on(dana.get(NEW).press(CHECK, rows=ROWS))
    one = dana.get(NEW).press(CHECK, rows=f"{HEADER}\n+12125550007,twilio,,")
    one.press("Import 1 row")
    again = led_on(page.press(IMPORT))
    assert again.path == page.path
    assert again.has_button(IMPORT)
    assert len(dana.get(PATH).rows()) == 1


def test_job_that_fails_or_was_interrupted_shows_it_and_a_link_back(
    dana: Portal,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    subtests: pytest.Subtests,
    app: Flask,
    *,
    cast: Cast,
    gus: Portal,
) -> None:
    for error in (Conflict("The rows changed."), RuntimeError("sample-secret")):
        with subtests.test(type(error).__name__):
            is_expected = isinstance(error, Conflict)

            def fail(*_arguments: Any, error: Exception = error, **_options: Any) -> None:
                raise error

            caplog.clear()
            monkeypatch.setattr(csv_import, "check", fail)
            page = led_on(dana.get(NEW).press(CHECK, rows=ROWS))
            assert page.root.by_id("job")["data-state"] == "failed"
            assert (str(error) in page.notes) is is_expected
            assert "sample-secret" not in page.source
            assert not page.root.all("meta", **{"http-equiv": "refresh"})
            assert page.follow("Back").path == NEW
            logged = [record for record in caplog.records if "job.failed" in str(record.msg)]
            assert bool(logged) is not is_expected

    with scope_as(app, cast.dana) as scope:
        job_id = job_rows.start(scope, Kind.APPLY_IMPORT, "Preparing", NEW).id
        job_rows.interrupt_running(scope)
    page = dana.get(f"/o/acme-support/endpoints/jobs/{job_id}")
    assert page.root.by_id("job")["data-state"] == "interrupted"
    assert "hx-get" not in page.root.by_id("job").attrs
    assert page.root.one("nav", css="pb-crumbs").all("a")[-1]["href"] == "/o/acme-support/endpoints"
    assert page.follow("Back").path == NEW
    gus.get(f"/o/globex/endpoints/jobs/{job_id}", 404)


def test_import_starts_no_job_of_an_unreadable_file_or_beyond_four(
    dana: Portal, hold: Callable[[str], Held]
) -> None:
    page = dana.get(NEW).press(CHECK, 422, rows=f'{ROWS}\n+15551234567,"never closed')
    assert page.error("rows").startswith("Line 52 ")
    refused = led_on(dana.get(NEW).press(CHECK, rows=f"{ROWS}\nnone,twilio,,"))
    dana.post(f"{refused.path}/apply", {"csrf_token": dana.token(), "version": "1"}, 409)
    assert dana.get(PATH).rows() == []

    gate = hold("check")
    submitted = {"csrf_token": dana.token(), "rows": ROWS}
    statuses = [dana.raw("POST", NEW, data=submitted).status_code for _ in range(job_threads.MOST)]
    assert (job_threads.MOST, statuses) == (4, [303] * 4)
    fifth = dana.raw("POST", NEW, data=submitted)
    assert (fifth.status_code, "Retry-After" in fifth.headers) == (503, True)
    gate.go_on.set()
    finished()
    assert dana.raw("POST", NEW, data=submitted).status_code == 303
