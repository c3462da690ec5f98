"""Logs: JSON lines with the request's id. They never contain a secret, token, password or body."""

from __future__ import annotations

import logging
import sys

import structlog
from flask import Flask, Response, g, has_request_context, request
from structlog.typing import EventDict, WrappedLogger

log = structlog.get_logger(__name__)


SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def init_app(app: Flask) -> None:
    configure()
    app.after_request(_log_request)


def _log_request(response: Response) -> Response:
    """Logs requests that can change data, and errors. It logs the route, never the URL."""
    if request.method not in SAFE or response.status_code >= 400:
        route = request.url_rule.rule if request.url_rule else None
        log.info("request", method=request.method, route=route, status=response.status_code)
    return response


def _request_id(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    if has_request_context() and "request_id" in g:
        event["request_id"] = g.request_id
    return event


_shared: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _request_id,
]


def to_stderr() -> None:
    """Sends logs to standard error, so that a command's output has only its results."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)


def configure() -> None:
    """Formats Patchbay's logs and those of libraries alike, with structlog."""
    structlog.configure(
        processors=[
            *_shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # They log a line or a traceback for each lost connection; `outage` logs that once.
    for pool in ("sqlalchemy.pool", "app.postgresql"):
        logging.getLogger(pool).setLevel(logging.CRITICAL)
