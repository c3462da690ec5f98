"""Every operation is declared in full: texts, examples that match their schemas, and errors with a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from app.api import error_codes
from app.api.document import document, template
from app.api.operations import OPERATIONS, Named, Operation

SENTENCE = re.compile(r"^[A-Z].+[.!]$", re.DOTALL)
LEAST_DESCRIPTION = 60


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = document()["paths"][template(operation)][operation.method.lower()]
    return described


def _media(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """The bodies of an operation that have a schema of their own."""
    described = _described(operation)
    if operation.body is not None or operation.raw_body is not None:
        yield "request", described["requestBody"]["content"]["application/json"]
    if operation.response is not None:
        yield "response", described["responses"][str(operation.status)]["content"][operation.media]


def test_operations_parameters_and_errors_are_described() -> None:
    wrong = []
    for operation in OPERATIONS:
        for parameter in (*operation.path_parameters, *operation.parameters):
            if not SENTENCE.match(parameter.description):
                wrong.append(f"{_name(operation)}: {parameter.name} needs a description")
        wrong += [
            f"{_name(operation)}: {parameter.name} needs an example"
            for parameter in operation.path_parameters
            if parameter.example is None
        ]
        if not operation.summary or operation.summary.endswith("."):
            wrong.append(f"{_name(operation)}: the summary is a title, without a full stop")
        if len(operation.description) < LEAST_DESCRIPTION or not SENTENCE.match(operation.description):
            wrong.append(f"{_name(operation)}: describe it in whole sentences, in the view's docstring")
        if not SENTENCE.match(operation.returns):
            wrong.append(f"{_name(operation)}: returns= says what a success has, as a sentence")
        if not SENTENCE.match(operation.tag.description):
            wrong.append(f"{_name(operation)}: the tag of the blueprint needs a description")
    wrong += [
        f"{_name(operation)}: {code} is not in app/api/error_codes.py"
        for operation in OPERATIONS
        for code in operation.errors
        if code not in error_codes.ERRORS
    ]
    for error in error_codes.ERRORS.values():
        if not SENTENCE.match(error.meaning) or not SENTENCE.match(error.remedy):
            wrong.append(f"{error.code}: meaning and remedy are sentences")
    used = {error.code for operation in OPERATIONS for error in operation.error_codes}
    wrong += [f"{code}: no operation has it" for code in error_codes.ERRORS if code not in used]
    assert wrong == []


def test_operations_have_examples_that_match_their_schemas() -> None:
    wrong = []
    for operation in OPERATIONS:
        if isinstance(named := operation.body_example, Named):
            bodies = [str(body) for body in named.values()]
            if len(set(bodies)) < len(bodies):
                wrong.append(f"{_name(operation)}: two examples are the same")
        for kind, media in _media(operation):
            for example in media["examples"].values():
                if example["value"] is None:
                    wrong.append(f"{_name(operation)}: needs an example of the {kind}")
                    continue
                schema = media["schema"] | {"components": document()["components"]}
                wrong += [
                    f"{_name(operation)}: {kind}: {error.message}"
                    for error in Draft202012Validator(schema).iter_errors(example["value"])
                ]
    assert wrong == []


def test_conditions_are_parameters_of_what_can_be_stale_or_unchanged() -> None:
    """`If-Match` stands where a change can be 412, and `If-None-Match` where a read can be 304.

    Not where rows of the body have versions: there nothing compares the header.
    """
    wrong = []
    for operation in OPERATIONS:
        described = _described(operation)
        parameters = [_resolved(each)["name"] for each in described.get("parameters", [])]
        for name, status in (("If-Match", "412"), ("If-None-Match", "304")):
            expected = status in described["responses"] and not operation.versions_in_body
            if (name in parameters) is not expected:
                wrong.append(f"{_name(operation)}: {name}")
    assert wrong == []


def _resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    """Returns the component that it refers to, if it is a reference."""
    name = parameter.get("$ref", "").removeprefix("#/components/parameters/")
    return document()["components"]["parameters"][name] if name else parameter
