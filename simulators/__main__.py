"""Starts all of them, prints what to set for Patchbay to use them, and serves until it is stopped."""

from __future__ import annotations

import argparse
import sys
import threading
from contextlib import ExitStack

from simulators import SIMULATORS

FIRST_PORT = 9001


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    for place, key in enumerate(SIMULATORS):
        parser.add_argument(
            f"--{key.replace('_', '-')}", type=int, default=FIRST_PORT + place, metavar="PORT"
        )
    is_filled = "have accounts that fit what `flask demo` makes"
    parser.add_argument("--demo", action="store_true", help=is_filled)
    ports = vars(parser.parse_args())
    with ExitStack() as stack:
        running = {key: stack.enter_context(kind(ports[key])) for key, kind in SIMULATORS.items()}
        if ports["demo"]:
            for simulator in running.values():
                simulator.fill_demo()
        entries = [f"{host}={base}" for one in running.values() for host, base in one.upstreams.items()]
        lines = [f"PATCHBAY_UPSTREAMS={','.join(entries)}"]
        for key, one in running.items():
            lines += [f"# {key}: {name} {value}" for name, value in one.values.items()]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
