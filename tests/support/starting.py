"""`flask serve` in the process of the test, up to the point where that process would become the server."""

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


def serve(environment: Mapping[str, str]) -> Done:
    """Runs the command. A second one at the same address and folder is possible afterwards."""
    bind = {"PATCHBAY_BIND": f"127.0.0.1:{free_port()}"}
    app = create_app(Settings.from_environment(bind | dict(environment)))
    with pytest.MonkeyPatch.context() as patch, app.app_context():
        patch.setattr(serving, "become_server", _release)
        result = app.test_cli_runner().invoke(args=["serve"])
        db.session.remove()
        db.engine.dispose()
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return Done(result.exit_code, result.stdout, result.stderr)


def _release(_settings: Settings, claims: Claims) -> None:
    os.close(claims.lock)
    claims.listener.close()
