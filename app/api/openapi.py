"""`/api/openapi.json` and `/api/docs`: the reference, for programs and for people."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from app import security
from app.api import error_codes, highlight, reference, responses
from app.api.document import document, resolved
from app.api.operations import Tag, Who, blueprint
from app.core import strict_json
from app.services.scope import Scope

openapi = blueprint("openapi", "/api", Tag("Reference", "This document, for programs and for people."))


@openapi.operation("GET", "/openapi.json", who=Who.ANYONE, returns="The document.", headers=("ETag",))
def openapi_document(_scope: Scope) -> ResponseReturnValue:
    """Get the OpenAPI document

    Returns the description of this API in OpenAPI 3.1, from which clients can be generated.
    """
    return responses.fixed(_text(), responses.JSON)


@openapi.operation("GET", "/docs", who=Who.ANYONE, returns="The page.", media="text/html", headers=("ETag",))
def docs(_scope: Scope) -> ResponseReturnValue:
    """Get the API reference

    Returns the OpenAPI document as an HTML page, with examples in curl, Python and JavaScript.
    """
    security.is_for_everyone()
    theme: Any = current_app.jinja_env.globals["theme"]
    return responses.fixed(_page(theme()), "text/html; charset=utf-8")


@cache
def _text() -> str:
    return strict_json.text(document())


@cache
def _page(_theme: str) -> str:
    """Returns the page in the theme of this request; cached, since rendering is slow."""
    return render_template(
        "api/docs.html",
        document=document(),
        schemas=document()["components"]["schemas"],
        resources=reference.resources(),
        errors=error_codes.ERRORS.values(),
        error_example=reference.ERROR_EXAMPLE,
        topics=reference.TOPICS,
        fields=reference.fields,
        resolved=resolved,
        colored=highlight.colored,
    )
