"""The document passes the recommended rules of Redocly and Spectral without a warning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.api.document import document
from devtools import node


@pytest.fixture(autouse=True)
def needs_node() -> None:
    if reason := node.reason_missing():
        assert not node.is_required(), reason
        pytest.skip(reason)


def _findings(folder: Path, *documents: dict[str, Any]) -> list[list[str]]:
    """Returns what the linters find in each document."""
    paths = []
    for number, checked in enumerate(documents):
        path = folder / f"openapi-{number}.json"
        path.write_text(json.dumps(checked))
        paths.append(path)
    findings: list[list[str]] = json.loads(node.run("lint.mjs", *paths))
    return findings


FAULTY = {
    "openapi": "3.1.0",
    "info": {"title": "Faulty", "version": "1"},
    "paths": {"/sample": {"get": {"responses": {"200": {"description": "All is well."}}}}},
}
"""Has a fault for each linter, so that silence means something."""


@pytest.mark.thorough(
    "test_document_is_valid_and_made_once_and_sent_once",
    "test_operations_parameters_and_errors_are_described",
)
def test_document_passes_the_recommended_rules(tmp_path: Path) -> None:
    own_findings, faulty_findings = _findings(tmp_path, document(), FAULTY)
    assert own_findings == []
    assert {finding.split()[0] for finding in faulty_findings} == {"redocly", "spectral"}
