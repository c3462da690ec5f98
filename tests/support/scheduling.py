"""The order of a test run, and which tests one worker runs in a row.

Tests of real servers and browsers come first, so that no worker is left with one of them at the end.
Modules of a group share servers that are started once per worker.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

FIRST = ("browser", "security", "resilience", "backup", "devtools")
"""Folders, the slowest first."""

BROWSER = "tests/browser: one browser and its server"

STAGED = "tests/security: PostgreSQL and staged server"
GROUPS = {
    f"tests/security/test_{name}.py": STAGED
    for name in ("configuration", "encoding", "faults", "outbound", "sessions", "sign_in", "throttles")
}
GROUPS |= {
    f"tests/resilience/test_{name}.py": "tests/resilience: shared portals"
    for name in ("backup", "clock", "same_number", "sign_in_flood", "two_editors", "two_portals")
}


def rank(path: PurePath, root: PurePath) -> int:
    """The place of a module in the run, from 0."""
    folders = path.relative_to(root).parent.parts
    if not folders:
        return len(FIRST)
    return FIRST.index(folders[0]) if folders[0] in FIRST else len(FIRST) + 1


def group_of(node_id: str) -> str:
    """The group of a test; tests of a group run on one worker, one after the other."""
    module = node_id.partition("::")[0]
    if module.startswith("tests/browser/"):
        return BROWSER
    if module.startswith("tests/security/"):
        return GROUPS.get(module, "tests/security: SQLite")
    return module


def scheduler(config: Any, log: Any) -> Any:
    """A scheduler of pytest-xdist that hands out groups."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def remove_node(self, node: Any) -> str | None:
            """A test that ended its worker is not run again, and what was done is not handed out again.

            A worker waits for its next test before it runs the last one. If it is handed a group that is
            done, with no test in it, it waits forever.
            """
            assigned = self.assigned_work.get(node, {})
            units = assigned.values()
            running = next(((unit, test) for unit in units for test, done in unit.items() if not done), None)
            if running is None:
                return super().remove_node(node)
            unit, test = running
            unit[test] = True
            for scope in [scope for scope, unit in assigned.items() if all(unit.values())]:
                del assigned[scope]
            super().remove_node(node)
            return test

        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)
