"""Operations of the API: each is a route with its access rule, its request and its response.

One declaration guards the route and describes it in the OpenAPI document.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from app import context
from app.api import messages, parameters
from app.api.parameters import ORGANIZATION_ID, Parameter
from app.core import strict_json
from app.core.errors import (
    Forbidden,
    PatchbayError,
    Unauthenticated,
    UnsupportedMedia,
)
from app.extensions import csrf
from app.services.access import crossing, tokens
from app.services.organizations import directory
from app.services.scope import Actor, Scope

View = Callable[..., ResponseReturnValue]
Who = crossing.Who


TOKEN_HOLDERS = (Who.USER, Who.SUPERADMIN)


@dataclass(frozen=True)
class Operation:
    """`raw_body` is the largest body in bytes that the view receives unparsed, from any sender."""

    method: str
    path: str
    summary: str
    description: str
    who: Who
    view: View
    tag: str
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    is_list: bool = False
    status: int = 200
    errors: tuple[int, ...] = ()
    raw_body: int | None = None


OPERATIONS: list[Operation] = []


class Api(Blueprint):
    """A blueprint whose every route is an operation."""

    def operation(
        self,
        method: str,
        rule: str,
        *,
        who: Who,
        parameters: tuple[Parameter, ...] = (),
        body: type[BaseModel] | None = None,
        optional_body: bool = False,
        response: type[BaseModel] | None = None,
        is_list: bool = False,
        status: int = 200,
        errors: tuple[int, ...] = (),
        raw_body: int | None = None,
        shortcut: Callable[[str], ResponseReturnValue] | None = None,
    ) -> Callable[[View], View]:
        """Guards the view and passes it a Scope, its parameters as `query`, and the parsed body as `sent`.

        The first line of the view's docstring is the summary of the operation, the rest its description.
        A `shortcut` responds to requests without a query instead: it receives the id of a token that is
        signed and not expired, and checks the rest itself.
        """

        def declare(view: View) -> View:
            if who in TOKEN_HOLDERS and "<organization_id>" not in rule:
                shown = (*parameters, ORGANIZATION_ID)
            else:
                shown = parameters
            summary, _, description = cleandoc(view.__doc__ or "").partition("\n")
            path = f"{self.url_prefix or ''}{rule}"
            operation = Operation(
                method,
                path,
                summary,
                " ".join(description.split()),
                who,
                view,
                self.name.removeprefix("api_"),
                shown,
                body,
                response,
                is_list,
                status,
                errors,
                raw_body,
            )
            OPERATIONS.append(operation)
            guarded = _guarded(operation, optional_body, shortcut)
            self.add_url_rule(rule, view.__name__, guarded, methods=[method], provide_automatic_options=False)
            return view

        return declare


def blueprint(name: str, url_prefix: str) -> Api:
    """The API never reads cookies, so it needs no CSRF token."""
    made = Api(f"api_{name}", __name__, url_prefix=url_prefix)
    csrf.exempt(made)
    return made


def _guarded(
    operation: Operation,
    optional_body: bool,
    shortcut: Callable[[str], ResponseReturnValue] | None,
) -> View:
    takes_query = any(parameter is not ORGANIZATION_ID for parameter in operation.parameters)

    @functools.wraps(operation.view)
    def run(**path: Any) -> ResponseReturnValue:
        if operation.raw_body is not None:
            path["body"] = request.get_data(cache=False)
        if shortcut is not None and not request.query_string:
            return _take(shortcut)
        if operation.who in TOKEN_HOLDERS:
            scope = _enter(_authenticate(operation), path)
        else:
            scope = context.anonymous_scope()
        query = _query(operation)
        if takes_query:
            path["query"] = query
        if operation.body is not None:
            path["sent"] = _body(optional=optional_body)
        return operation.view(scope, **path)

    run.guard = operation.who  # type: ignore[attr-defined]
    run.largest_body = run.largest_anonymous_body = operation.raw_body  # type: ignore[attr-defined]
    return run


def _take(shortcut: Callable[[str], ResponseReturnValue]) -> ResponseReturnValue:
    token_id = tokens.verify(context.keys(), bearer())
    response = shortcut(token_id)
    context.token_used(token_id)
    return response


def _authenticate(operation: Operation) -> Actor:
    token_id = tokens.verify(context.keys(), bearer())
    address = context.client_address()
    actor = tokens.actor(context.session(), token_id, ip=address, request_id=g.request_id)
    g.actor = actor
    context.token_used(token_id)
    if operation.who is Who.SUPERADMIN and not actor.is_superadmin:
        raise _missing_role(messages.SUPERADMINS_ONLY)
    return actor


def bearer() -> str:
    """Returns the token of the Authorization header. Raises Unauthenticated."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(messages.NO_TOKEN, code="NO_TOKEN")
    return token.strip()


def _missing_role(message: str) -> PatchbayError:
    """Returns the error for a missing role: 401 under /api/calls, as in the contract, 403 elsewhere."""
    if request.path.startswith("/api/calls/"):
        return Unauthenticated(message, code="NOT_SUPERADMIN")
    return Forbidden(message, code="NOT_SUPERADMIN")


def _enter(actor: Actor, path: dict[str, Any]) -> Scope:
    """Returns a scope in the organization that the request names, by default the caller's own."""
    scope = context.scope(actor)
    organization_id = path.pop("organization_id", None) or _requested_organization(actor)
    return crossing.enter(scope, directory.by_id(scope, organization_id or str(actor.organization_id)))


def _requested_organization(actor: Actor) -> str | None:
    if ORGANIZATION_ID.name in request.args and not actor.is_superadmin:
        raise _missing_role(messages.OTHER_ORGANIZATIONS)
    organization_id: str | None = parameters.read_one(ORGANIZATION_ID, request.args)
    return organization_id


def _query(operation: Operation) -> dict[str, Any]:
    """Returns the query parameters; a provider may add some to the URL of its webhook."""
    return {} if operation.who is Who.SIGNER else parameters.read(operation.parameters, request.args)


def _body(*, optional: bool) -> Any:
    raw = request.get_data()
    if optional and not raw:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMedia(messages.NOT_JSON)
    return strict_json.parse(raw)
