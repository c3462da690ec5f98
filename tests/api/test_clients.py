"""Clients generated from the document compile under strict settings and run against a server.

Generators and compilers take longer than other tests, so `make test-all` runs them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app.api.document import document
from devtools import node
from devtools.scopes import PASSWORD
from devtools.server import Server, served
from tests.conftest import NOWHERE

SECONDS = 400


PROVED = pytest.mark.thorough(
    "test_schemas_have_no_shared_name_or_default_for_generated_clients",
    "test_document_is_valid_and_made_once_and_sent_once",
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    data = tmp_path / "data"
    data.mkdir()
    with served(data, {"PATCHBAY_UPSTREAMS": NOWHERE}) as server:
        yield server


@pytest.fixture
def environment(server: Server) -> Mapping[str, str]:
    server.flask(
        *("users", "create", "--email", "dana@acme.example", "--name", "Dana"),
        *("--role", "superadmin", "--organization", "Acme Support", "--password-stdin"),
        typed=f"{PASSWORD}\n",
    )
    token = server.flask("tokens", "create", "--email", "dana@acme.example")
    return {"BASE_URL": server.url, "TOKEN": token.strip()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Has the document and the programs that use the clients."""
    folder = tmp_path / "clients"
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(document()))
    (folder / "config.yaml").write_text("post_hooks: []\n")
    for name in ("usage.py", "usage.ts", "tsconfig.json"):
        shutil.copy(node.FOLDER / name, folder)
    return folder


def _python(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@PROVED
def test_python_client_is_strict_and_works(folder: Path, environment: Mapping[str, str]) -> None:
    generate = ("--path", "openapi.json", "--config", "config.yaml", "--meta", "none", "--fail-on-warning")
    client = ("--output-path", "patchbay_client")
    _python(folder, "-m", "openapi_python_client", "generate", *generate, *client)
    _python(folder, "-m", "mypy", "--strict", "--config-file", os.devnull, "patchbay_client", "usage.py")
    _python(folder, "usage.py", environment=environment)


@PROVED
def test_typescript_client_is_strict_and_works(folder: Path, environment: Mapping[str, str]) -> None:
    if reason := node.reason_missing():
        assert not node.is_required(), reason
        pytest.skip(reason)
    (folder / "node_modules").symlink_to(node.PACKAGES)
    (folder / "package.json").write_text('{"type": "module"}')
    programs = node.PACKAGES
    types = ("openapi.json", "-o", "schema.d.ts")
    node.run(programs / "openapi-typescript/bin/cli.js", *types, folder=folder)
    node.run(programs / "typescript/bin/tsc", folder=folder)
    node.run("usage.js", folder=folder, environment=environment)
