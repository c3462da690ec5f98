"""Responses for errors: JSON under /api, a page everywhere else."""

from __future__ import annotations

import structlog
from flask import Flask, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import ObjectDeletedError
from werkzeug.exceptions import HTTPException, InternalServerError

from app import context, disk
from app.api import messages, responses
from app.core import paths
from app.core.errors import (
    Busy,
    Forbidden,
    Malformed,
    NotFound,
    PatchbayError,
    StorageFull,
    TooMany,
    Unavailable,
)
from app.core.messages import NOTHING_CHANGED
from app.edge import bodies
from app.extensions import db
from app.outage import reason
from app.postgresql import Pool
from app.web.shell import error_pages, guard

log = structlog.get_logger(__name__)

_SQLITE_AWAY = tuple(f"SQLITE_{name}" for name in ("BUSY", "LOCKED", "CANTOPEN", "FULL", "IOERR", "READONLY"))
_POSTGRESQL_AWAY = ("08", "53", "55", "57")
"""Classes of SQLSTATE: connection, resources, object not available, operator intervention."""

_NO_PAGE = "This page does not exist."
_NO_OPERATION = "No operation has this path. See /api/docs for those that exist."
_CSRF = "Nothing was saved: the page was open for too long. Go back, reload it, and try again."


def init_app(app: Flask) -> None:
    app.register_error_handler(PatchbayError, _refusal)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_error)
    app.register_error_handler(InterfaceError, _database_error)
    app.register_error_handler(PoolTimeout, _no_connection)
    app.register_error_handler(ObjectDeletedError, _deleted)
    app.register_error_handler(OSError, _os_error)
    app.register_error_handler(Exception, _failure)


def _respond(
    error: PatchbayError, *, status: int | None = None, error_id: str | None = None
) -> ResponseReturnValue:
    if paths.is_api(request.path):
        return responses.error(error, status=status, error_id=error_id)
    return error_pages.error(error, status=status, error_id=error_id)


def _refusal(error: PatchbayError) -> ResponseReturnValue:
    if isinstance(error, TooMany):
        request.environ[context.LIMITED_BY] = error.limit
    return _respond(error)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, CSRFError):
        if guard.is_signed_out():
            return guard.redirect_to_sign_in()
        return _respond(Forbidden(_CSRF, code=error_pages.CSRF_FAILED), status=400)
    if isinstance(error, InternalServerError):
        return _wrapped_error(error)
    status = error.code or 500
    match status:
        case 404:
            answer = _respond(NotFound(_NO_OPERATION if paths.is_api(request.path) else _NO_PAGE))
        case 413:
            answer = _respond(bodies.too_large(request.environ["patchbay.limit"]))
        case 405 if not paths.is_api(request.path) and (page := error_pages.page_above()):
            return page
        case 405:
            answer = _respond(_wrong_method(error), status=405)
        case _:
            if error.response is not None or 300 <= status < 400:
                return error
            answer = _respond(Malformed("The request is malformed."), status=status)
    return _with_headers(answer, error)


def _wrong_method(error: HTTPException) -> Malformed:
    allowed = sorted(getattr(error, "valid_methods", None) or ["GET"])
    message = f"{request.method} is not allowed here. {messages.one_of(allowed)}"
    return Malformed(message, code="METHOD_NOT_ALLOWED")


def _wrapped_error(error: InternalServerError) -> ResponseReturnValue:
    """Returns the response to an error that Flask has wrapped, since it was raised after the view."""
    if error.original_exception is None:
        return _failure(error)
    return current_app.handle_user_exception(error.original_exception)  # type: ignore[arg-type]


def _with_headers(answer: ResponseReturnValue, error: HTTPException) -> ResponseReturnValue:
    response = make_response(answer)
    for name, value in error.get_headers():
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def _database_error(error: OperationalError | InterfaceError) -> ResponseReturnValue:
    """Responds 503 if the database is unreachable, busy or full, and 500 to other errors."""
    if disk.is_full(error, db.engine.url.database):
        return _storage_full(error)
    if not _is_away(error):
        return _failure(error)
    if _is_too_slow(error):
        log.error("database.slow", route=str(request.url_rule))
        return _respond(Unavailable(f"The database took too long. {NOTHING_CHANGED} Try again."))
    if isinstance(db.engine.pool, Pool):
        db.engine.pool.outage.note(error)
    else:
        log.error("database.unavailable", route=str(request.url_rule), reason=reason(error))
    return _respond(Unavailable("The database is unavailable. Try again in a moment."))


def _deleted(_error: ObjectDeletedError) -> ResponseReturnValue:
    """Responds 404 if another request has deleted a row in use, and rolls back the transaction."""
    db.session.rollback()
    return _respond(NotFound("This was deleted a moment ago."))


def _no_connection(_error: PoolTimeout) -> ResponseReturnValue:
    return _respond(Busy("The database is busy. Try again in a moment."))


def _is_too_slow(error: OperationalError | InterfaceError) -> bool:
    """Whether PostgreSQL cancelled the statement: see `postgresql.STATEMENT_SECONDS`."""
    return getattr(error.orig, "sqlstate", None) == "57014"


def _storage_full(error: Exception) -> ResponseReturnValue:
    log.error("storage.full", route=str(request.url_rule), reason=type(error).__name__)
    return _respond(StorageFull())


def _os_error(error: OSError) -> ResponseReturnValue:
    return _storage_full(error) if disk.is_full(error) else _failure(error)


def _is_away(error: OperationalError | InterfaceError) -> bool:
    if error.connection_invalidated or error.statement is None:
        return True
    if name := getattr(error.orig, "sqlite_errorname", None):
        return str(name).startswith(_SQLITE_AWAY)
    state = getattr(error.orig, "sqlstate", None)
    return state is None or str(state).startswith(_POSTGRESQL_AWAY)


def _failure(_error: Exception) -> ResponseReturnValue:
    """Responds with the request's id alone; the log has the error under that id."""
    log.exception("request.failed", method=request.method, route=str(request.url_rule))
    message = "Patchbay could not complete this. Search the log for this ID."
    return _respond(PatchbayError(message), status=500, error_id=g.get("request_id", ""))
