"""Two weeks of calls for the demo: more by day than at night, fewer at weekends, and a bad Tuesday."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from app.core import clock
from app.models import Call
from app.provider.voice_ai import CallEvent, Direction
from app.services.scope import Scope

DAYS = 14
PER_DAY = 34
AT_WEEKENDS = 0.35
BAD_DAY = 5
"""Days ago, on which calls failed because numbers had wrong URLs."""

OUTCOMES = {"success": 78, "failure": 9, "unknown": 5}
NOT_ANSWERED = {"no-answer": 5, "busy": 3}


def add(scope: Scope, answering: Sequence[tuple[str, str]], dialing: Sequence[tuple[str, str]] = ()) -> None:
    """Adds calls up to now.

    `answering`: numbers that receive calls, with their agents; `dialing`: numbers that only call out.
    """
    random, now = Random(14), clock.now()  # noqa: S311 (the same calls each time)
    with scope.transaction():
        for ago in range(DAYS):
            for at in _times(random, now - timedelta(days=ago)):
                if at < now:
                    number, agent = random.choice(answering)
                    scope.session.add(_call(scope, random, number, agent, at, is_bad=ago == BAD_DAY))
        for number, agent in dialing:
            for ago in range(DAYS):
                at = now - timedelta(days=ago, minutes=random.randrange(20, 600))
                scope.session.add(_call(scope, random, number, agent, at, dials=True))


def _times(random: Random, day: datetime) -> Iterator[datetime]:
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    count = PER_DAY * (AT_WEEKENDS if day.weekday() >= 5 else 1) * random.uniform(0.8, 1.2)
    for _ in range(round(count)):
        hour = min(max(random.gauss(14, 3.5), 0), 23.99)
        yield midnight + timedelta(seconds=round(hour * 3600) + random.randrange(60))


def _call(
    scope: Scope,
    random: Random,
    number: str,
    agent: str,
    at: datetime,
    *,
    is_bad: bool = False,
    dials: bool = False,
) -> Call:
    weights = {**OUTCOMES, **NOT_ANSWERED, **({"failure": 90} if is_bad else {})}
    outcome = random.choices([*weights], [*weights.values()])[0]
    is_answered = outcome in OUTCOMES
    is_outbound = dials or not is_answered or random.random() < 0.15
    other_party = f"+1415555{random.randrange(1000, 9999)}"
    numbers = (number, other_party) if is_outbound else (other_party, number)
    return Call(
        organization_id=scope.organization.id,
        conversation_id=f"conv_{random.getrandbits(80):020x}",
        kind=str(CallEvent.ENDED if is_answered else CallEvent.FAILED),
        agent_id=f"agent_{agent}",
        agent_name=agent,
        from_number=numbers[0],
        to_number=numbers[1],
        direction=str(Direction.OUTBOUND if is_outbound else Direction.INBOUND),
        duration_seconds=max(8, round(random.lognormvariate(4.6, 0.6))) if is_answered else None,
        outcome=outcome,
        started_at=at,
        received_at=at + timedelta(minutes=3),
        at=at,
    )
