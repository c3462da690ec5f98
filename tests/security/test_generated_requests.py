"""Requests generated from our OpenAPI document never get a 5xx, valid ones are seldom called invalid, and
refused ones change nothing. `Caller` compares each response with the document.

Some for each operation in `make test-all`; with `--full`, or `make resilience`, many more, and a line for
each operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.openapi import from_dict

from app.api.document import document
from app.api.operations import OPERATIONS
from app.core import clock
from app.core.naming import settings_name
from app.providers import PROVIDERS
from devtools.scopes import PASSWORD
from tests.security.conftest import Installation, restore
from tests.support.api_jobs import ended
from tests.support.caller import Caller
from tests.support.denominators import Report
from tests.support.full_organization import Furnished
from tests.support.rows import PROVEN, dump

SOME, MANY = 6, 150
"""Cases for each operation, as many valid ones as invalid ones: thorough, and in full."""
INVALID = (400, 413, 415, 422)
LEAST_ACCEPTED, LEAST_OF_ONE = 0.9, 0.6
"""Shares of valid requests that are not called invalid: of all, and of each operation (half, of a few)."""
COMPARED = 20
"""Every so many invalid requests, the rows before and after are compared."""
OTHERS = (
    *(*PROVEN, "api_tokens", "throttles", "jobs", "job_results", "check_runs", "drift_checks"),
    *("last_calls", "webhook_tests", "deliveries", "delivery_attempts"),
)
"""Tables that earlier requests may still change, and counts of refused requests."""
VARIED = [operation for operation in OPERATIONS if not operation.path.endswith(("/docs", "/openapi.json"))]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.thorough(
    "test_random_bodies_never_fail",
    "test_random_queries_and_deletes_never_fail",
    "test_random_queries_and_deletes_never_fail",
)
def test_generated_requests_get_what_the_document_says(
    installation: Installation, here: Furnished, database: str, full: bool, report: Report
) -> None:
    count, described = MANY if full else SOME, from_dict(document())
    run = _Run(installation, here)
    limits = settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=not full,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    for operation in VARIED:
        run.begin()
        generated = described[operation.path.replace("<", "{").replace(">", "}")][operation.method]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            limits(given(case=generated.as_strategy(generation_mode=mode))(run.send))()
    report(f"Generated requests on {database}", tried=run.sent, survived=run.sent - len(run.wrong))
    report(f"Refused requests on {database} change nothing", tried=run.compared, survived=run.unchanged)
    for name in run.tried if full else ():
        share = f"{run.accepted[name] / run.tried[name]:.0%} accepted"
        share += f", {run.fulfilled[name] / run.tried[name]:.0%} fulfilled"
        report(f"Valid {name}", tried=run.tried[name], survived=run.tried[name], note=share)
    assert run.wrong == []
    assert run.accepted.total() >= LEAST_ACCEPTED * run.tried.total()
    least = LEAST_OF_ONE if full else LEAST_OF_ONE / 2
    assert [name for name in run.tried if run.accepted[name] < least * run.tried[name]] == []
    assert run.sent >= count * len(VARIED)
    assert run.compared > 0


class _Run:
    """Sends the cases as Dana, who has just signed in, and counts the responses."""

    def __init__(self, installation: Installation, here: Furnished) -> None:
        self._installation, self._here = installation, here
        self._app = installation.app
        self.sent = self.compared = self.unchanged = 0
        self.wrong: list[str] = []
        self.tried, self.accepted, self.fulfilled = Counter[str](), Counter[str](), Counter[str]()

    def begin(self) -> None:
        """Restores the rows for the next operation."""
        restore(self._installation)
        login = {"email": self._here.cast.dana.email, "password": PASSWORD}
        answer = Caller(self._app).post("/api/auth/login", login)
        self._dana = Caller(self._app, answer.get_json()["token"])

    def send(self, case: Case) -> None:
        self.sent += 1
        is_valid = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
        if is_valid or self.sent % 2:
            _fill(case, self._here)
        before = None if is_valid or self.sent % COMPARED else self._rows()
        answer = _send(self._dana, case)
        what = f"{case.method} {case.formatted_path} {case.query!r} {case.body!r}: {answer.text}"
        if answer.status_code >= 500:
            self.wrong.append(what)
        if before is not None and 400 <= answer.status_code < 500:
            self.compared += 1
            after = self._rows()
            changed = [f"changed {table}: {what}" for table in after if after[table] != before[table]]
            self.unchanged += not changed
            self.wrong += changed
        if is_valid:
            name = f"{case.method} {case.path}"
            self.tried[name] += 1
            self.accepted[name] += answer.status_code not in INVALID
            self.fulfilled[name] += answer.status_code < 400

    def _rows(self) -> dict[str, Any]:
        """Returns the rows after the jobs of earlier requests: they record in the audit what they did."""
        ended()
        return dump(self._app, but=OTHERS)


def _fill(case: Case, here: Furnished) -> None:
    """Puts in what no schema can say: ids, times to come, the fields of the path's provider or destination.

    A cursor comes from a response, as an id does.
    """
    ids = here.ids_for(case.path)
    if "/jobs/" in case.path:
        ids = ids | {"job_id": ids["webhook_job_id"]}
    case.path_parameters |= {name: ids[name] for name in case.path_parameters if name in ids}
    if case.query:
        case.query.pop("cursor", None)
        case.query |= {"organizationId": here.cast.acme} if "organizationId" in case.query else {}
    if isinstance(case.body, dict):
        case.body |= {name: value for name, value in _known(here).items() if name in case.body}
    if case.path.endswith("/{destination_id}") and isinstance(case.body, dict):
        case.body.pop("address", None)  # the destination is a webhook
    if case.path.endswith("/verify") and isinstance(case.body, dict):
        provider = PROVIDERS[case.path_parameters["provider"]]
        names = {settings_name(provider.key, field.name) for field in provider.typed_fields}
        case.body = {name: value for name, value in case.body.items() if name in names}


def _known(here: Furnished) -> Mapping[str, Any]:
    start, end = (clock.utc(clock.now() + timedelta(hours=hours)) for hours in (1, 2))
    return {"userId": here.cast.mo.id, "starts_at": start, "ends_at": end, "muted_until": end}


def _send(dana: Caller, case: Case) -> Any:
    """What a client of HTTP cannot send is left out."""
    arguments = case.as_transport_kwargs(base_url="http://localhost")
    headers = {name: value for name, value in dict(arguments["headers"]).items() if value.isprintable()}
    for name in ("Authorization", "Accept-Encoding"):
        headers.pop(name, None)
    body = {"json": arguments["json"]} if "json" in arguments else {"data": arguments.get("data")}
    return dana.call(
        arguments["method"],
        arguments["url"].removeprefix("http://localhost"),
        query_string=arguments.get("params") or {},
        headers=headers,
        **body,
    )
