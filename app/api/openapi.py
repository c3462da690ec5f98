"""`/api/openapi.json` and `/api/docs`: the reference, for programs and for people."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from app.api import error_codes, reference, responses
from app.api.document import document, resolved
from app.api.operations import Tag, Who, blueprint
from app.services.scope import Scope

openapi = blueprint("openapi", "/api", Tag("Reference", "This document, for programs and for people."))


@openapi.operation("GET", "/openapi.json", who=Who.ANYONE, returns="The document.", headers=("ETag",))
def openapi_document(_scope: Scope) -> ResponseReturnValue:
    """Get the OpenAPI document

    Returns the description of this API in OpenAPI 3.1, from which clients can be generated.
    """
    return responses.document(document(), tagged=True)


@openapi.operation("GET", "/docs", who=Who.ANYONE, returns="The page.", media="text/html")
def docs(_scope: Scope) -> ResponseReturnValue:
    """Get the API reference

    Returns the OpenAPI document as an HTML page, with examples in curl, Python and JavaScript.
    """
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
    )
