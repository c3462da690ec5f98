"""Query parameters are checked alike by every operation: a misspelled one is never taken for none."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from flask import Flask

from app.api.operations import OPERATIONS, Operation, Who
from app.api.parameters import Parameter
from app.core.messages import NOTHING_CHANGED
from tests.support.caller import Caller, fields, sentence
from tests.support.cast import Cast
from tests.support.rows import unchanged

CHECKED = [operation for operation in OPERATIONS if operation.who is not Who.SIGNER]
LIST = "/api/settings/endpoints"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is refused before it is read reaches no database."""
    return sqlite_url


def _path(operation: Operation, cast: Cast) -> str:
    path = operation.path.replace("<organization_id>", cast.acme)
    return path.replace("<", "").replace(">", "")


def _queries(operation: Operation, parameters: Iterable[Parameter]) -> dict[str, tuple[int, str]]:
    """Wrong queries, with the status and the field of their refusal."""
    required = "".join(f"{one.name}=%2B15551234567&" for one in operation.parameters if one.required)
    wrong = {f"{required}unknown=1": (422, "unknown"), f"{required}=1": (422, "query")}
    for parameter in parameters:
        name = parameter.name
        others = required.replace(f"{name}=%2B15551234567&", "")
        wrong |= {
            f"{others}{name}=": (422, name),
            f"{others}{name}=%20": (422, name),
            f"{required}{name}s=1": (422, f"{name}s"),
            f"{required}{name.upper()}=1": (422, name.upper()),
            f"{required}{name}=1&{name}=1": (400, name),
        }
    return wrong


def test_wrong_parameters_are_refused_by_every_operation(
    app: Flask, dana: Caller, cast: Cast, thorough: bool
) -> None:
    """Thorough, each parameter of each operation; else a name that several have, at the first of them.
    A refusal names every wrong one, and the nearest."""
    wrong, tried_names = [], set[str]()
    with unchanged(app):
        for operation in CHECKED:
            tried = [one for one in operation.parameters if thorough or one.name not in tried_names]
            tried_names |= {one.name for one in operation.parameters}
            for query, (status, field) in _queries(operation, tried).items():
                answer = dana.call(operation.method, f"{_path(operation, cast)}?{query}")
                named = fields(answer) if answer.status_code == 422 else {sentence(answer).split()[0]}
                if (answer.status_code, named) != (status, {field}):
                    wrong.append((operation.method, operation.path, query, answer.text))
    assert wrong == []

    query = "limit=0&is_active=True&provider=&qq=1&agent=%20"
    assert fields(dana.get(f"{LIST}?{query}")) == {"limit", "is_active", "provider", "qq", "agent"}
    assert "“is_active”" in sentence(dana.get(f"{LIST}?is_activ=false"))
    assert "“organizationId”" in sentence(dana.get("/api/calls/providers?organization_id=x"))
    assert "phone_number, direction" in sentence(dana.get(f"{LIST}/resolve?phone_number=%2B15551234567&x=1"))
    read, changed = dana.get(f"{LIST}?limit=0"), dana.post(f"{LIST}?limit=0")
    said = [answer.get_json()["error"]["message"] for answer in (read, changed)]
    assert [NOTHING_CHANGED in message for message in said] == [False, True]


def test_ids_are_read_in_either_case(dana: Caller, cast: Cast) -> None:
    endpoint_id = dana.post(LIST, {"phone_number": "+15551234567", "provider": "twilio"}).get_json()["id"]
    upper = endpoint_id.upper()
    assert dana.get(f"{LIST}/{upper}?organizationId={cast.acme.upper()}").get_json()["id"] == endpoint_id
    changed = dana.post(f"{LIST}/bulk", {"endpoints": [{"id": upper, "label": "x"}]}).get_json()
    assert [row["id"] for row in changed["endpoints"]] == [endpoint_id]
    assert fields(dana.post(f"{LIST}/point", {"ids": [endpoint_id, upper]})) == {"ids.1"}
