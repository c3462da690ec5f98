"""The least that Flask can do: one route that answers bytes it was given when it started."""

from __future__ import annotations

import json
import os

from flask import Flask, Response


def create_app(answer: str) -> Flask:
    """`answer` is JSON: the path, the body and the headers to answer with."""
    given = json.loads(answer)
    body = given["body"].encode()
    headers = given["headers"]
    app = Flask(__name__)

    @app.get(given["path"])
    def providers() -> Response:
        return Response(body, headers=headers)

    return app


app = create_app(os.environ["BARE_ANSWER"])
