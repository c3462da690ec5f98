"""Operations of the API: each is a route with its access rule, its request and its response.

One declaration guards the route and describes it in the OpenAPI document.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Required, TypedDict, Unpack

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from werkzeug.exceptions import MethodNotAllowed

from app import context
from app.api import error_codes, messages, parameters
from app.api.error_codes import ErrorCode
from app.api.parameters import ORGANIZATION_ID, PATH, Parameter
from app.core import strict_json
from app.core.errors import (
    Forbidden,
    PatchbayError,
    Unauthenticated,
    UnsupportedMedia,
)
from app.extensions import csrf
from app.services.access import crossing, tokens
from app.services.access.tokens import Signed
from app.services.organizations import directory
from app.services.scope import Actor, Scope

View = Callable[..., ResponseReturnValue]
Who = crossing.Who


TOKEN_HOLDERS = (Who.USER, Who.SUPERADMIN)
CALLS = "/api/calls/"


@dataclass(frozen=True)
class Tag:
    """A resource of the reference. Operations are grouped by it."""

    name: str
    description: str


class Named(dict[str, Any]):
    """Examples of one body, by name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """A route with everything that the reference says about it.

    `returns`: the content of a success. `example`: of the response; `body_example`: of the request, or
    `Named` ones. `headers`: those of the response, by name. `errors`: codes of `app.api.error_codes`, beside
    those that follow from the token and the body. `raw_body`: the largest body in bytes that the view
    receives unparsed, from any sender. `versions_in_body`: each row of the body is compared with its own
    version, and none with `If-Match`. `creates`: the path below which the new resource is, if not below its
    own.
    """

    method: str
    path: str
    summary: str
    description: str
    who: Who
    view: View
    tag: Tag
    returns: str
    path_parameters: tuple[Parameter, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    optional_body: bool = False
    body_example: Any = None
    response: type[BaseModel] | None = None
    is_list: bool = False
    media: str = "application/json"
    example: Any = None
    status: int = 200
    headers: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    raw_body: int | None = None
    versions_in_body: bool = False
    creates: str = ""

    @property
    def needs_token(self) -> bool:
        return self.who in TOKEN_HOLDERS

    @property
    def is_conditional(self) -> bool:
        """Whether `If-Match` can make a change depend on the version that was read."""
        return "STALE" in self.errors and not self.versions_in_body

    @property
    def error_codes(self) -> list[ErrorCode]:
        """Every error that the operation responds with, in the order of the list of errors."""
        codes = {*self.errors, *error_codes.ALWAYS}
        if self.body is not None:
            codes.update(error_codes.BODY)
        if self.needs_token:
            codes.update(error_codes.TOKEN)
        if self.who is not Who.SIGNER:
            codes.update(error_codes.QUERY)
        return [error for code, error in error_codes.ERRORS.items() if code in codes]

    def status_of(self, error: ErrorCode) -> int:
        """Returns an error's status: 401 for a missing role under /api/calls, as in the API contract."""
        is_calls = self.path.startswith(CALLS)
        return 401 if error.code == "NOT_SUPERADMIN" and is_calls else error.status


class Declared(TypedDict, total=False):
    """Keyword arguments that declare an operation: see `Operation`."""

    returns: Required[str]
    body: type[BaseModel]
    optional_body: bool
    body_example: Any
    response: type[BaseModel]
    is_list: bool
    media: str
    example: Any
    status: int
    headers: tuple[str, ...]
    errors: tuple[str, ...]
    raw_body: int
    versions_in_body: bool
    creates: str


OPERATIONS: list[Operation] = []


class Api(Blueprint):
    """A blueprint whose every route is an operation."""

    tag: Tag

    def operation(
        self,
        method: str,
        rule: str,
        *,
        who: Who,
        parameters: tuple[Parameter, ...] = (),
        shortcut: Callable[[Signed], ResponseReturnValue] | None = None,
        **declared: Unpack[Declared],
    ) -> Callable[[View], View]:
        """Guards the view; passes it a Scope, its parameters as `query`, and the parsed body as `payload`.

        The first line of the view's docstring is the summary of the operation, the rest its description.
        A `shortcut` responds to requests without a query instead. It receives the content of a signed token
        that has not expired, and checks the rest itself.
        """

        def declare(view: View) -> View:
            summary, _, description = cleandoc(view.__doc__ or "").partition("\n")
            path = f"{self.url_prefix or ''}{rule}"
            in_path, in_query = _split_parameters(path, parameters, who)
            operation = Operation(
                method=method,
                path=path,
                summary=summary,
                description=_unwrapped(description),
                who=who,
                view=view,
                tag=self.tag,
                path_parameters=in_path,
                parameters=in_query,
                **declared,
            )
            OPERATIONS.append(operation)
            guarded = _guarded(operation, shortcut)
            self.add_url_rule(rule, view.__name__, guarded, methods=[method], provide_automatic_options=False)
            return view

        return declare


def _unwrapped(text: str) -> str:
    """Returns the text with one line for each paragraph."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


def _split_parameters(
    path: str, declared: tuple[Parameter, ...], who: Who
) -> tuple[tuple[Parameter, ...], tuple[Parameter, ...]]:
    """Returns the parameters of the path, in its order, and of the query."""
    names = re.findall(r"<(\w+)>", path)
    declared_by_name = PATH | {parameter.name: parameter for parameter in declared}
    in_query = tuple(parameter for parameter in declared if parameter.name not in names)
    if who in TOKEN_HOLDERS and "organization_id" not in names:
        in_query = (*in_query, ORGANIZATION_ID)
    return tuple(declared_by_name[name] for name in names), in_query


def refuse_other_methods(_endpoint: str | None, _path: object) -> None:
    """Responds 405 to a method that is not declared for a path without variables.

    Otherwise `PUT /endpoints/resolve` would change the endpoint with the id `resolve`.
    """
    methods = _fixed_paths().get(f"/{request.path.lstrip('/')}")
    if methods and request.method not in methods:
        request.routing_exception = MethodNotAllowed(valid_methods=methods)


@functools.cache
def _fixed_paths() -> dict[str, list[str]]:
    """Returns the methods of each path without variables."""
    paths: dict[str, list[str]] = {}
    for operation in OPERATIONS:
        if "<" not in operation.path:
            methods = paths.setdefault(operation.path, [])
            methods += ["GET", "HEAD"] if operation.method == "GET" else [operation.method]
    return paths


def blueprint(name: str, url_prefix: str, tag: Tag) -> Api:
    """Returns a blueprint without CSRF tokens, which the API does not need: it reads no cookies."""
    api = Api(f"api_{name}", __name__, url_prefix=url_prefix)
    api.tag = tag
    csrf.exempt(api)
    return api


def _guarded(operation: Operation, shortcut: Callable[[Signed], ResponseReturnValue] | None) -> View:
    takes_query = any(parameter is not ORGANIZATION_ID for parameter in operation.parameters)

    @functools.wraps(operation.view)
    def run(**path: Any) -> ResponseReturnValue:
        path |= {one.name: one.canonical(path[one.name]) for one in operation.path_parameters}
        if operation.raw_body is not None:
            path["body"] = request.get_data(cache=False)
        if shortcut is not None and not request.query_string:
            return _respond_with(shortcut)
        if operation.who in TOKEN_HOLDERS:
            scope = _enter(_authenticate(operation), path)
        else:
            scope = context.anonymous_scope()
        query = _query(operation)
        if takes_query:
            path["query"] = query
        if operation.body is not None:
            path["payload"] = _body(optional=operation.optional_body)
        return operation.view(scope, **path)

    run.guard = operation.who  # type: ignore[attr-defined]
    run.is_compressible = operation.is_list or operation.who is Who.ANYONE  # type: ignore[attr-defined]
    run.largest_body = run.largest_anonymous_body = operation.raw_body  # type: ignore[attr-defined]
    return run


def _respond_with(shortcut: Callable[[Signed], ResponseReturnValue]) -> ResponseReturnValue:
    signed = tokens.verify(context.keys(), bearer())
    response = shortcut(signed)
    context.token_used(signed.token_id)
    return response


def _authenticate(operation: Operation) -> Actor:
    token_id = tokens.verify(context.keys(), bearer()).token_id
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
    """Returns the error for a missing role: 401 under /api/calls, as in the API contract, else 403."""
    if request.path.startswith(CALLS):
        return Unauthenticated(message, code="NOT_SUPERADMIN")
    return Forbidden(message, code="NOT_SUPERADMIN")


def _enter(actor: Actor, path: dict[str, Any]) -> Scope:
    """Returns a scope in the requested organization, by default the caller's own."""
    scope = context.scope(actor)
    organization_id = path.pop("organization_id", None) or _requested_organization(actor)
    return crossing.enter(scope, directory.by_id(scope, organization_id or str(actor.organization_id)))


def _requested_organization(actor: Actor) -> str | None:
    if ORGANIZATION_ID.name in request.args and not actor.is_superadmin:
        raise _missing_role(messages.OTHER_ORGANIZATIONS)
    organization_id: str | None = parameters.read_one(ORGANIZATION_ID, request.args)
    return organization_id


def _query(operation: Operation) -> dict[str, Any]:
    """Returns the query parameters; none for a provider's webhook, whose URL may have more."""
    return {} if operation.who is Who.SIGNER else parameters.read(operation.parameters, request.args)


def _body(*, optional: bool) -> Any:
    """Returns the parsed body. An optional one is empty if it is missing or null."""
    raw = request.get_data()
    if optional and not raw:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMedia(messages.NOT_JSON)
    parsed = strict_json.parse(raw)
    return {} if optional and parsed is None else parsed
