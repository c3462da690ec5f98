"""The setup of a new organization: four steps to a number whose provider has its webhook."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.labels import LabelledEnum
from app.models import Endpoint
from app.provider import Family
from app.providers import keys_in
from app.services.scope import Scope
from app.services.status import facts
from app.services.status.facts import Facts
from app.services.status.places import Place


class StepKey(LabelledEnum):
    """The steps in their order; each has the text of the button that leads to it."""

    BASE_URL = "base-url", "Set base URL"
    PROVIDER = "provider", "Connect a provider"
    NUMBER = "number", "Add a number"
    WEBHOOK = "webhook", "Set webhook"


@dataclass(frozen=True)
class Step:
    """A step of the setup, and the place to do it, with its `provider` and `endpoint_id`."""

    key: StepKey
    is_done: bool
    place: Place
    provider: str | None = None
    endpoint_id: str | None = None


@dataclass(frozen=True)
class Setup:
    """The steps of one organization. All are done permanently once a number was healthy."""

    steps: tuple[Step, ...]

    @property
    def is_done(self) -> bool:
        return self.steps[-1].is_done

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def next(self) -> Step | None:
        """The first step that is not done; None if the setup is done."""
        return None if self.is_done else next(step for step in self.steps if not step.is_done)


def is_done(scope: Scope) -> bool:
    """Whether the setup of the scope's organization is done."""
    return facts.was_healthy(scope)


def next_step(scope: Scope) -> Step | None:
    """Returns the next step of the scope's organization; None if its setup is done."""
    return None if is_done(scope) else with_number(scope, facts.of(scope)).next


def with_number(scope: Scope, own_facts: Facts) -> Setup:
    """Returns the setup of the scope's organization, given its facts."""
    if own_facts.was_healthy or own_facts.answered != 1:
        return of_facts(own_facts)
    number = scope.select(Endpoint).where(Endpoint.takes_calls).with_only_columns(Endpoint.id)
    return of_facts(own_facts, scope.session.scalar(number))


def of_facts(own_facts: Facts, endpoint_id: str | None = None) -> Setup:
    """Returns the setup of an organization. `endpoint_id` is that of its only number."""
    provider = _provider(own_facts)
    is_connected = provider is not None and works(own_facts, provider)
    webhook = Place.AT_PROVIDER if endpoint_id else Place.SET_WEBHOOKS
    return Setup(
        (
            Step(StepKey.BASE_URL, bool(own_facts.organization.public_base_url), Place.SETTINGS),
            Step(StepKey.PROVIDER, is_connected, Place.PROVIDER if provider else Place.HOME, provider),
            Step(StepKey.NUMBER, own_facts.answered > 0, Place.NEW_ENDPOINT),
            Step(StepKey.WEBHOOK, own_facts.was_healthy, webhook, endpoint_id=endpoint_id),
        )
    )


def _provider(own_facts: Facts) -> str | None:
    """Returns the key of a provider for agent calls: one that works, or else a connected one."""
    connected = [key for key in keys_in(Family.TELEPHONY) if key in own_facts.connections]
    return next((key for key in connected if works(own_facts, key)), connected[0] if connected else None)


def works(own_facts: Facts, key: str) -> bool:
    """Whether the provider accepted the stored credentials."""
    return own_facts.is_usable(key) and key in own_facts.tests and own_facts.tests[key].ok
