"""How long clients may take, and at least how fast they have to be."""

from __future__ import annotations

BODY_SILENT = 10.0
"""Seconds in which some of a body has to arrive."""

BODY = 20.0
"""Seconds for a whole body, and one more for each `BYTES_A_SECOND` that it may have."""

DOWNLOAD_SILENT = 15.0
"""Seconds in which a client has to take some of a download."""

DOWNLOAD = 60.0
"""Seconds for a whole download, and one more for each `BYTES_A_SECOND` that the client took."""

BYTES_A_SECOND = 50_000
