"""Gives clients and providers a tenth of the time."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

CLIENTS, PROVIDERS = "app.edge.deadlines", "app.core.outbound.client"


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if module.__name__ == PROVIDERS:
            vars(module)["FIRST_PAUSE"] /= 10
            module.Outbound.__init__.__kwdefaults__["deadline"] /= 10
            return
        for name, value in vars(module).items():
            if isinstance(value, float):
                setattr(module, name, value / 10)


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name not in (CLIENTS, PROVIDERS):
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is not None and found.origin:
            found.loader = _Loader(name, found.origin)
        return found


sys.meta_path.insert(0, _Finder())
