"""`/metrics`, for Prometheus: counters of this machine's processes, and gauges from the database.

They show which routes are used and how many sign-ins fail, so they are for this machine alone, or for
clients that send `PATCHBAY_METRICS_TOKEN`. No label has a value that users choose.
"""

from __future__ import annotations

import hmac
import os
from pathlib import Path

from flask import Flask, Response, current_app, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

from app import context, peers
from app.metrics import responses
from app.metrics.stored import Stored

TEXT = "text/plain; charset=utf-8"

disable_created_metrics()  # type: ignore[no-untyped-call]


def init_app(app: Flask) -> None:
    app.extensions["patchbay_stored_metrics"] = Stored()
    responses.init_app(app)
    app.add_url_rule("/metrics", view_func=_metrics, provide_automatic_options=False)


def _refusal() -> Response | None:
    """Returns the error if the client may not read metrics; else None."""
    token = context.settings().metrics_token
    if token is None:
        if peers.is_this_machine(request.environ):
            return None
        return Response(
            "Metrics are for this machine alone. For others, set PATCHBAY_METRICS_TOKEN.\n",
            403,
            content_type=TEXT,
        )
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(bearer.strip().encode(), token.encode()):
        return None
    headers = {"WWW-Authenticate": "Bearer"}
    return Response("Send PATCHBAY_METRICS_TOKEN as a bearer token.\n", 401, headers, content_type=TEXT)


def _metrics() -> Response | tuple[bytes, dict[str, str]]:
    if refusal := _refusal():
        return refusal
    stored: Stored = current_app.extensions["patchbay_stored_metrics"]
    return generate_latest(_counts()) + stored.text(), {"Content-Type": CONTENT_TYPE_LATEST}


def _counts() -> CollectorRegistry:
    """Returns the counters of all processes, if they share a folder; else of this process."""
    if not Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", "-")).is_dir():
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
