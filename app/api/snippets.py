"""Examples of requests in curl, Python and JavaScript. The tests run each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from app.api.document import template
from app.api.operations import Named, Operation

URL, TOKEN = "BASE_URL", "TOKEN"
"""Environment variables that the examples read."""


def of(operation: Operation) -> dict[str, str]:
    """Returns the example request in each language, by the language's name."""
    return {name: write(operation) for name, write in LANGUAGES.items()}


def path(operation: Operation) -> str:
    """Returns the path and query of the example request."""
    result = template(operation)
    for parameter in operation.path_parameters:
        result = result.replace(f"{{{parameter.name}}}", quote(str(parameter.example), safe="+"))
    query = {one.name: one.example for one in operation.parameters if one.required}
    return f"{result}?{urlencode(query)}" if query else result


def body(operation: Operation) -> Any:
    """Returns the body of the example request: the first one of several."""
    example = operation.body_example
    return next(iter(example.values())) if isinstance(example, Named) else example


def _curl(operation: Operation) -> str:
    lines = [f'curl "${URL}{path(operation)}"']
    if operation.method != "GET":
        lines.append(f"-X {operation.method}")
    if operation.needs_token:
        lines.append(f'-H "Authorization: Bearer ${TOKEN}"')
    if operation.body is not None:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d '{_json(body(operation), 1)}'")
    return " \\\n  ".join(lines)


def _python(operation: Operation) -> str:
    arguments = [f'os.environ["{URL}"] + "{path(operation)}"']
    if operation.needs_token:
        arguments.append(f'headers={{"Authorization": "Bearer " + os.environ["{TOKEN}"]}}')
    if operation.body is not None:
        arguments.append(f"json={_python_value(body(operation), 1)}")
    arguments.append("timeout=30")
    inside = "".join(f"    {argument},\n" for argument in arguments)
    shown = "print(response.json())" if _has_json(operation) else "print(response.status_code)"
    return (
        "import os\n\nimport requests\n\n"
        f"response = requests.{operation.method.lower()}(\n{inside})\n"
        f"response.raise_for_status()\n{shown}"
    )


def _javascript(operation: Operation) -> str:
    options = [] if operation.method == "GET" else [f'method: "{operation.method}"']
    headers = [f"Authorization: `Bearer ${{process.env.{TOKEN}}}`"] if operation.needs_token else []
    if operation.body is not None:
        headers.append('"Content-Type": "application/json"')
        options.append(f"body: JSON.stringify({_json(body(operation), 1)})")
    if headers:
        options.insert(min(len(options), 1), f"headers: {{ {', '.join(headers)} }}")
    inside = "".join(f"  {option},\n" for option in options)
    shown = "await response.json()" if _has_json(operation) else "response.status"
    return (
        f"const response = await fetch(`${{process.env.{URL}}}{path(operation)}`"
        f"{f', {{{chr(10)}{inside}}}' if inside else ''});\n"
        "if (!response.ok) throw new Error(await response.text());\n"
        f"console.log({shown});"
    )


LANGUAGES: Mapping[str, Callable[[Operation], str]] = {
    "curl": _curl,
    "Python": _python,
    "JavaScript": _javascript,
}


def _has_json(operation: Operation) -> bool:
    return operation.media == "application/json" and operation.status != 204


def _json(value: Any, levels: int) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n" + "  " * levels)


def _python_value(value: Any, level: int) -> str:
    """Returns the value as Python code, one item a line."""
    if not isinstance(value, dict | list) or not value:
        return _python_literal(value)
    indent, end = "    " * (level + 1), "    " * level
    if isinstance(value, dict):
        items = [f"{_python_literal(key)}: {_python_value(item, level + 1)}" for key, item in value.items()]
        return "{\n" + "".join(f"{indent}{item},\n" for item in items) + end + "}"
    return "[\n" + "".join(f"{indent}{_python_value(item, level + 1)},\n" for item in value) + end + "]"


def _python_literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
