"""A served Patchbay: what it prints, what monitors ask it, what it logs."""

from __future__ import annotations

import json
import multiprocessing
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app import serving
from app.extensions import db
from app.services.installation import messages
from devtools.scopes import PASSWORD
from devtools.server import SERVE, Server, served
from tests.support.cast import assemble
from tests.support.cli import serve

LINK = re.compile(r"http://127\.0\.0\.1:\d+/setup#[\w-]+")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, thorough: bool) -> Iterator[Server]:
    """Thorough, one that is started as an operator does."""
    with served(tmp_path_factory.mktemp("server"), command=SERVE if thorough else None) as server:
        yield server


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (our own)
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_serve_prints_a_new_setup_link_until_a_superadmin_exists(
    app: Flask, environment: dict[str, str]
) -> None:
    first, second = (LINK.findall(serve(environment).out) for _ in range(2))
    assert len({*first, *second}) == 2
    assemble(app)
    assert LINK.findall(serve(environment).out) == []


def test_the_setup_page_is_there_until_a_superadmin_exists(server: Server) -> None:
    (printed,) = LINK.findall(server.output())
    assert printed.startswith(server.url)
    assert get(f"{server.url}/setup")[0] == 200
    options = {"email": "ines@acme.example", "name": "Ines", "role": "superadmin", "organization": "Acme"}
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    server.flask("users", "create", *arguments, "--password-stdin", typed=PASSWORD)
    assert get(f"{server.url}/setup")[0] == 404


def test_health_metrics_and_json_log_have_no_ids_or_unknown_paths(server: Server) -> None:
    assert get(f"{server.url}/healthz") == (200, "ok\n")
    assert get(f"{server.url}/readyz") == (200, "ready\n")
    get(f"{server.url}/sign-in")
    status, metrics = get(f"{server.url}/metrics")
    assert status == 200
    assert 'patchbay_requests_total{method="GET",route="/sign-in",status="200"} 1.0' in metrics
    assert "patchbay_request_seconds_bucket" in metrics

    get(f"{server.url}/o/someone/people/private-id?key=private-key")
    get(f"{server.url}/private/ever")
    _, metrics = get(f"{server.url}/metrics")
    assert 'route="/o/<slug>/people/<user_id>"' in metrics
    for private in ("private", "someone"):
        assert private not in metrics

    get(f"{server.url}/o/acme/people/an-id-of-someone")
    get(f"{server.url}/not-the-right-key-at-all")
    logged = [json.loads(line) for line in server.output().splitlines() if line.startswith("{")]
    refused = [line for line in logged if line.get("event") == "request" and line.get("status") == 404]
    assert refused
    for line in logged:
        assert {"event", "level", "timestamp"} <= set(line)
    assert re.fullmatch(r"[0-9a-f]{16}", refused[0]["request_id"])
    assert "not-the-right-key-at-all" not in server.output()


def test_readyz_fails_without_the_key_the_newest_tables_or_the_database(app: Flask, tmp_path: Path) -> None:
    client = app.test_client()
    assert client.get("/readyz").status_code == 200
    for statement, said in (
        ("UPDATE installation SET key_check = 'sealed with another'", messages.KEY_MISMATCH),
        ("UPDATE alembic_version SET version_num = 'older'", "flask --app wsgi prepare"),
    ):
        with app.app_context():
            db.session.execute(text(statement))
            db.session.commit()
        answer = client.get("/readyz")
        assert (answer.status_code, said in answer.text) == (503, True)
        assert client.get("/healthz").status_code == 200

    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    for file in tmp_path.glob("patchbay.db*"):
        file.unlink()
    (tmp_path / "patchbay.db").mkdir()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "The database cannot be reached.\n")
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/healthz").status_code == 200


def test_new_counts_removes_those_of_killed_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of servers that run are not: each holds a lock on its folder."""
    memory = tmp_path / "memory"
    monkeypatch.setattr(serving, "SHARED_MEMORY", memory)
    killed, running, starting = (tmp_path / name for name in ("killed", "running", "starting"))
    for folder in (memory, killed, running, starting):
        folder.mkdir()
    process = multiprocessing.get_context("fork").Process(target=serving.new_counts, args=(killed,))
    process.start()
    process.join(30)
    assert len(list(memory.iterdir())) == 1
    folders = {serving.new_counts(data)["PROMETHEUS_MULTIPROC_DIR"] for data in (running, starting)}
    assert {str(folder) for folder in memory.iterdir()} == folders
