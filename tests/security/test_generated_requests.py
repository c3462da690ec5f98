"""Requests that are made from our own OpenAPI document, right ones and wrong ones: never a 5xx.

A few hundred in every run; with `--full`, or `make resilience`, many more of each.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.openapi import from_dict

from app.api.openapi import document
from app.api.operations import OPERATIONS, Operation
from tests.security.conftest import Clients
from tests.support.denominators import Report
from tests.support.full_organization import Furnished

FEW, MANY = 6, 150
"""Cases for each operation, as many right ones as wrong ones."""
UNAVAILABLE = (408, 503)
"""What a busy server may answer on purpose, with Retry-After."""
VARIED = [operation for operation in OPERATIONS if not operation.path.endswith(("/docs", "/openapi.json"))]


@pytest.mark.parametrize("operation", VARIED, ids=lambda operation: f"{operation.method} {operation.path}")
def test_no_generated_request_is_answered_with_a_5xx(
    here: Furnished, api: Clients, full: bool, report: Report, operation: Operation
) -> None:
    path = operation.path.replace("<", "{").replace(">", "}")
    described = from_dict(document())[path][operation.method]
    statuses: list[int] = []

    def send(case: Case) -> None:
        if len(statuses) % 2:  # every second one is about something that exists
            case.path_parameters |= {
                name: here.ids[name] for name in case.path_parameters if name in here.ids
            }
        answer = _send(api, case)
        statuses.append(answer.status_code)
        assert answer.status_code < 500, answer.text

    count = MANY if full else FEW
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        cases = described.as_strategy(generation_mode=mode)
        limits = settings(
            max_examples=count,
            deadline=None,
            database=None,
            derandomize=not full,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        limits(given(case=cases)(send))()
    report("Generated requests", tried=len(statuses), survived=len(statuses))
    assert len(statuses) >= count


def _send(api: Clients, case: Case) -> Any:
    """As Dana; what a client of HTTP cannot send is left out."""
    made = case.as_transport_kwargs(base_url="http://localhost")
    headers = {name: value for name, value in dict(made["headers"]).items() if value.isprintable()}
    headers.pop("Authorization", None)
    body = {"json": made["json"]} if "json" in made else {"data": made.get("data")}
    return api.dana.call(
        made["method"],
        made["url"].removeprefix("http://localhost"),
        query_string=made.get("params") or {},
        headers=headers,
        **body,
    )
