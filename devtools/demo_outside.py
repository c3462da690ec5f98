"""The simulated systems around the portal in `make demo`: providers, agent runtime, receiver and mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from simulators import SIMULATORS
from simulators.base import Simulator
from simulators.mail import MailCatcher
from simulators.receiver import Receiver
from simulators.runtime import AgentRuntime

FIRST_PORT = 9001
SMTP_PORT = 9025


@dataclass(frozen=True)
class Outside:
    """The running simulators; `providers` are by key."""

    providers: Mapping[str, Simulator]
    runtime: AgentRuntime
    receiver: Receiver
    mail: MailCatcher

    @property
    def settings(self) -> dict[str, str]:
        """The settings that direct all traffic to the simulators, and none to a real system."""
        upstreams = self.receiver.upstreams | self.runtime.upstreams
        for simulator in self.providers.values():
            upstreams |= simulator.upstreams
        return {
            "PATCHBAY_UPSTREAMS": ",".join(f"{host}={base}" for host, base in upstreams.items()),
            "PATCHBAY_SMTP_URL": f"smtp://127.0.0.1:{self.mail.smtp_port}",
            "PATCHBAY_MAIL_FROM": "patchbay@meridian.example",
        }


@contextmanager
def started() -> Iterator[Outside]:
    """Starts all simulators, with the accounts of the demo data."""
    with ExitStack() as stack:
        providers = {
            key: stack.enter_context(_on_ports(kind, FIRST_PORT + place))
            for place, (key, kind) in enumerate(SIMULATORS.items())
        }
        for simulator in providers.values():
            simulator.fill_demo()
        next_port = FIRST_PORT + len(providers)
        runtime = stack.enter_context(_on_ports(AgentRuntime, next_port))
        receiver = stack.enter_context(_on_ports(Receiver, next_port + 1))
        mail = stack.enter_context(_on_ports(MailCatcher, next_port + 2, SMTP_PORT))
        yield Outside(providers, runtime, receiver, mail)


def _on_ports(kind: Callable[..., Any], *ports: int) -> Any:
    """Starts a simulator on its usual ports, or on free ones if one of them is in use."""
    try:
        return kind(*ports)
    except OSError:
        return kind()
