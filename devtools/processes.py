"""Reads the parents, memory and processor time of processes from /proc."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def leaves_below(pid: int) -> list[int]:
    """Returns the descendants of `pid` without children, oldest first: a server's workers."""
    parents = _parents()
    starters = set(parents.values())
    leaves = [child for child in parents if child not in starters and _is_below(child, pid, parents)]
    return sorted(leaves, key=_start_time)


def tree_below(pid: int) -> list[int]:
    """Returns all descendants of `pid`."""
    parents = _parents()
    return [child for child in parents if _is_below(child, pid, parents)]


def resident_bytes(pid: int) -> int:
    """Returns the resident memory of the process."""
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def open_files(pid: int) -> list[str]:
    """Returns the targets of the process's file descriptors, except those closed meanwhile."""
    targets = []
    for link in (PROC / str(pid) / "fd").iterdir():
        with suppress(FileNotFoundError):
            targets.append(str(link.readlink()))
    return targets


def cpu_seconds(pid: int) -> float:
    """Returns the processor time of the process; 0 if it has ended."""
    return sum(_times(pid)[:2])


def cpu_seconds_of_tree(pid: int) -> float:
    """Returns the processor time of the process and its descendants, even if they have ended."""
    return sum(sum(_times(each)) for each in (pid, *tree_below(pid)))


def _times(pid: int) -> tuple[float, ...]:
    """Returns the user and system time of the process and of its children that have ended."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ()
    return tuple(int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:15])


def _start_time(pid: int) -> tuple[int, int]:
    """Returns the start in clock ticks since boot; the id orders processes of the same tick."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, pid
    return int(fields[19]), pid


def _parents() -> dict[int, int]:
    """Returns the parent of every process that is alive."""
    parents = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state not in "XZ":
                parents[int(folder.name)] = int(parent)
    return parents


def _is_below(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == ancestor:
            return True
    return False
