"""Compares the time of a refused sign-in for a known and for an unknown email, in turns at one server.

The ratio of the medians is about 1 when the time does not show whether a user exists. See README.md here.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from sqlalchemy import create_engine, delete

from app.database import engine as database_engine
from app.models import Throttle
from devtools.clients import ApiClient
from devtools.load import superadmin
from devtools.server import SERVE, Server, served

LOGIN = "/api/auth/login"
MISTYPED = "not the password at all"
LOWEST, HIGHEST = 0.8, 1.25


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.sign_in_timing", description=__doc__)
    parser.add_argument("--pairs", type=int, default=200, help="sign-ins with a known and an unknown email")
    parser.add_argument("--demand", action="store_true", help="exit with 1 if the ratio is not about 1")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="patchbay-bench-") as folder,
        served(Path(folder), command=SERVE) as server,
    ):
        ratio = compare(server, options.pairs)
    if options.demand and not LOWEST <= ratio <= HIGHEST:
        raise SystemExit("The time of a refused sign-in shows whether a user exists.")


def compare(server: Server, pairs: int) -> float:
    """Prints both medians, and returns known / unknown. Rate limits are reset before each pair."""
    engine = create_engine(f"sqlite:///{server.data / 'patchbay.db'}")
    database_engine.prepare(engine)
    client, email = ApiClient(server.url, ""), superadmin(server).email
    durations: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(pairs):
        with engine.begin() as connection:
            connection.execute(delete(Throttle))
        for kind, typed in (("known", email), ("unknown", f"user-{number}@acme.example")):
            begin = time.perf_counter()
            answer = client.call("POST", LOGIN, {"email": typed, "password": MISTYPED})
            durations[kind].append(time.perf_counter() - begin)
            assert answer.status == 401, answer.body
    engine.dispose()
    registered, unknown = median(durations["known"]), median(durations["unknown"])
    print(
        f"known {registered * 1000:.1f} ms, unknown {unknown * 1000:.1f} ms, ratio {registered / unknown:.2f}"
    )
    return registered / unknown


if __name__ == "__main__":
    main()
