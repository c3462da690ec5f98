"""Logs are JSON lines with the request's id. No secret, token, password or body is ever in them."""

from __future__ import annotations

import logging
import sys

import structlog
from flask import g, has_request_context
from structlog.typing import EventDict, WrappedLogger


def _request_id(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    if has_request_context() and "request_id" in g:
        event["request_id"] = g.request_id
    return event


_shared: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _request_id,
]


def configure() -> None:
    """Ours through structlog, and everybody else's through the same formatter."""
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
