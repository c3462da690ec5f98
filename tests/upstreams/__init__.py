"""Small servers that behave as the providers do: to test against, and to demonstrate without accounts.

`python -m tests.upstreams` starts all of them.
"""

from __future__ import annotations

from tests.upstreams.base import Trouble, Upstream
from tests.upstreams.elevenlabs import ElevenLabs
from tests.upstreams.exotel import Exotel
from tests.upstreams.sinch import Sinch
from tests.upstreams.sinch_est import SinchEst
from tests.upstreams.twilio import Twilio
from tests.upstreams.vobiz import Vobiz

UPSTREAMS: dict[str, type[Upstream]] = {
    "twilio": Twilio,
    "sinch": Sinch,
    "exotel": Exotel,
    "vobiz": Vobiz,
    "elevenlabs": ElevenLabs,
    "sinch_est": SinchEst,
}

__all__ = ["UPSTREAMS", "ElevenLabs", "Exotel", "Sinch", "SinchEst", "Trouble", "Twilio", "Upstream", "Vobiz"]
