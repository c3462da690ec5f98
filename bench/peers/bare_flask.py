"""The least that Flask can do: one route that returns fixed bytes."""

from __future__ import annotations

import json
import os

from flask import Flask, Response


def create_app(answer: str) -> Flask:
    """Returns the application. `answer` is JSON: the path, and the status, body and headers."""
    parsed = json.loads(answer)
    body = parsed["body"].encode()
    status = parsed["status"]
    headers = parsed["headers"]
    app = Flask(__name__)

    @app.get(parsed["path"])
    def providers() -> Response:
        return Response(body, status, headers=headers)

    return app


app = create_app(os.environ["PEER"])
