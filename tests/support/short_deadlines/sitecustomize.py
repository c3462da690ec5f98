"""Python imports this when it starts, if this folder is on its path: clients have a tenth of the time."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

MODULE = "app.edge.deadlines"


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        for name, value in vars(module).items():
            if isinstance(value, float):
                setattr(module, name, value / 10)


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != MODULE:
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is not None and found.origin:
            found.loader = _Loader(name, found.origin)
        return found


sys.meta_path.insert(0, _Finder())
