"""Commits changes at a steady rate, in a process of its own, until it is stopped.

    python -m bench.writer PER_SECOND

They do not change a dialer's response, but Patchbay must look the default up again to know.
"""

from __future__ import annotations

import os
import sys
import time

from app import create_app
from app.config import Settings
from app.extensions import db
from app.models import Organization


def run(per_second: float) -> None:
    with create_app(Settings.from_environment(os.environ)).app_context():
        organization = db.session.query(Organization).first()
        assert organization is not None
        turn = time.monotonic()
        while True:
            organization.revision += 1
            db.session.commit()
            turn += 1 / per_second
            time.sleep(max(0.0, turn - time.monotonic()))


if __name__ == "__main__":
    run(float(sys.argv[1]))
