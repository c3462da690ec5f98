"""Time limits for clients, and the lowest rate at which they must send and receive."""

from __future__ import annotations

BODY_SILENT = 10.0
"""Seconds within which another part of a body must arrive."""

BODY = 20.0
"""Seconds for a whole body, and one more for each `BYTES_A_SECOND` that it may have."""

DOWNLOAD_SILENT = 15.0
"""Seconds within which a client must receive another part of a download."""

DOWNLOAD = 60.0
"""Seconds for a whole download, and one more for each `BYTES_A_SECOND` that the client has received."""

BYTES_A_SECOND = 50_000
