"""Requests generated from our OpenAPI document never get a 5xx, and valid ones are seldom called invalid.

Some for each operation in `make test-all`; with `--full`, or `make resilience`, many more, and a line for
each operation.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.openapi import from_dict

from app.api.document import document
from app.api.operations import OPERATIONS
from tests.security.conftest import Clients
from tests.support.denominators import Report
from tests.support.full_organization import Furnished

SOME, MANY = 6, 150
"""Cases for each operation, as many valid ones as invalid ones: thorough, and in full."""
INVALID = (400, 413, 415, 422)
LEAST_ACCEPTED, LEAST_OF_ONE = 0.85, 0.15
"""Shares of valid requests that are not called invalid: of all, and of each operation.

A test of credentials accepts only fields of the provider in its path, which no schema can say.
"""
VARIED = [operation for operation in OPERATIONS if not operation.path.endswith(("/docs", "/openapi.json"))]


@pytest.mark.thorough(
    "test_random_bodies_never_fail", "test_random_deletes_never_fail", "test_random_queries_never_fail"
)
def test_no_generated_request_gets_a_5xx(here: Furnished, api: Clients, full: bool, report: Report) -> None:
    count, described = MANY if full else SOME, from_dict(document())
    statuses: list[int] = []
    wrong: list[str] = []
    tried, accepted = Counter[str](), Counter[str]()

    def send(case: Case) -> None:
        if len(statuses) % 2:  # every second one is about something that exists
            case.path_parameters |= {
                name: here.ids[name] for name in case.path_parameters if name in here.ids
            }
            if "organizationId" in (case.query or {}):
                case.query["organizationId"] = here.cast.acme
        answer = _send(api, case)
        statuses.append(answer.status_code)
        if case.meta and case.meta.generation.mode is GenerationMode.POSITIVE:
            name = f"{case.method} {case.path}"
            tried[name] += 1
            accepted[name] += answer.status_code not in INVALID
        if answer.status_code >= 500:
            wrong.append(f"{case.method} {case.formatted_path} {case.body!r}: {answer.text}")

    limits = settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=not full,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    for operation in VARIED:
        generated = described[operation.path.replace("<", "{").replace(">", "}")][operation.method]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            limits(given(case=generated.as_strategy(generation_mode=mode))(send))()
    report("Generated requests", tried=len(statuses), survived=len(statuses) - len(wrong))
    for name in tried if full else ():
        share = f"{accepted[name] / tried[name]:.0%} accepted"
        report(f"Valid {name}", tried=tried[name], survived=tried[name], note=share)
    assert wrong == []
    assert accepted.total() >= LEAST_ACCEPTED * tried.total()
    assert [name for name in tried if accepted[name] < LEAST_OF_ONE * tried[name]] == []
    assert len(statuses) >= count * len(VARIED)


def _send(api: Clients, case: Case) -> Any:
    """As Dana; what a client of HTTP cannot send is left out."""
    made = case.as_transport_kwargs(base_url="http://localhost")
    headers = {name: value for name, value in dict(made["headers"]).items() if value.isprintable()}
    for name in ("Authorization", "Accept-Encoding"):
        headers.pop(name, None)
    body = {"json": made["json"]} if "json" in made else {"data": made.get("data")}
    return api.dana.call(
        made["method"],
        made["url"].removeprefix("http://localhost"),
        query_string=made.get("params") or {},
        headers=headers,
        **body,
    )
