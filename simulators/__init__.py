"""Small servers that behave as the providers do: to test against, and to demonstrate without accounts.

`python -m simulators` starts all of them.
"""

from __future__ import annotations

from simulators.base import Trouble, Upstream
from simulators.elevenlabs import ElevenLabs
from simulators.exotel import Exotel
from simulators.sinch import Sinch
from simulators.sinch_est import SinchEst
from simulators.twilio import Twilio
from simulators.vobiz import Vobiz

UPSTREAMS: dict[str, type[Upstream]] = {
    "twilio": Twilio,
    "sinch": Sinch,
    "exotel": Exotel,
    "vobiz": Vobiz,
    "elevenlabs": ElevenLabs,
    "sinch_est": SinchEst,
}

__all__ = ["UPSTREAMS", "ElevenLabs", "Exotel", "Sinch", "SinchEst", "Trouble", "Twilio", "Upstream", "Vobiz"]
