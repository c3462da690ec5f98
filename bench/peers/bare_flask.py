"""The least that Flask can do: one route that returns fixed bytes."""

from __future__ import annotations

import json
import os

from flask import Flask, Response


def create_app(answer: str) -> Flask:
    """Returns the application. `answer` is JSON: the path, and the status, body and headers."""
    given = json.loads(answer)
    body = given["body"].encode()
    status = given["status"]
    headers = given["headers"]
    app = Flask(__name__)

    @app.get(given["path"])
    def providers() -> Response:
        return Response(body, status, headers=headers)

    return app


app = create_app(os.environ["PEER"])
