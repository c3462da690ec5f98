"""`flask` commands in the process of the test: a hundred times as fast as one of their own."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from app import create_app, serving
from app.config import Settings
from app.extensions import db
from app.serving import Claims
from devtools.server import free_port
from tests.support.commands import Done


def run(environment: Mapping[str, str], *arguments: str, typed: str = "") -> Done:
    """Runs a command with these settings."""
    app = create_app(Settings.from_environment(environment))
    with app.app_context():
        result = app.test_cli_runner().invoke(args=arguments, input=typed)
        db.session.remove()
        db.engine.dispose()
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return Done(result.exit_code, result.stdout, result.stderr)


def serve(environment: Mapping[str, str]) -> Done:
    """Runs `serve` up to the point where the process would become the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "run_server", _release)
        return run({"PATCHBAY_BIND": f"127.0.0.1:{free_port()}"} | dict(environment), "serve")


def _release(_settings: Settings, claims: Claims) -> None:
    os.close(claims.lock)
    claims.listener.close()
