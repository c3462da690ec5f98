"""The cables of the routing map, from numbers to their providers and from providers to agents.

All rows have the same height. Cables are drawn with the height `ROW`, and CSS scales them to the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log10

from app.models import Verdict
from app.services.status.routing import OTHERS, Group, Routing

ROW = 44
GAP = 16
"""The space between two providers."""

APART = 15
"""The space between two jacks of a provider."""

TONES = {Verdict.HEALTHY: "ok", Verdict.UNHEALTHY: "bad", Verdict.UNKNOWN: "idle", Verdict.OFF: "off"}


@dataclass(frozen=True)
class Cable:
    """A path across a gap with a width of 100.

    `jacks` and `plugs` are points; a loose cable's plug is in no jack.
    """

    path: str
    tone: str
    width: float
    jacks: str
    plugs: str


@dataclass(frozen=True)
class Block:
    """One provider with its numbers and their cables."""

    provider: str
    groups: Sequence[Group]
    cables: Sequence[Cable]
    top: float

    @property
    def height(self) -> float:
        return len(self.groups) * ROW

    @property
    def middle(self) -> float:
        return self.top + self.height / 2

    @property
    def numbers(self) -> int:
        return sum(group.numbers for group in self.groups)

    @property
    def unhealthy(self) -> int:
        return sum(group.unhealthy for group in self.groups)


@dataclass(frozen=True)
class Panel:
    """The whole map. `agents` are in display order."""

    blocks: Sequence[Block]
    cables: Sequence[Cable] = ()
    agents: Sequence[str] = ()
    height: float = ROW
    reached: dict[str, Group] = field(default_factory=dict)
    """All numbers of each agent as one group."""


def of(routing: Routing) -> Panel:
    blocks: list[Block] = []
    top = 0.0
    for key, groups in routing.groups.items():
        blocks.append(Block(key, groups, _number_cables(groups), top))
        top += len(groups) * ROW + GAP
    height = max(top - GAP, ROW)
    agents = _order_agents(blocks)
    reached = {
        agent: _merge_groups([one for one in routing.all_groups if one.agent == agent]) for agent in agents
    }
    return Panel(blocks, list(_agent_cables(blocks, agents, height)), agents, height, reached)


def _number_cables(groups: Sequence[Group]) -> list[Cable]:
    """Returns the cables of the numbers.

    Unhealthy ones are loose; those of disabled numbers hang down.
    """
    wired = [group for group in groups if group.verdict is not Verdict.OFF]
    height = len(groups) * ROW
    jacks = dict(zip(map(id, wired), _jack_heights(height / 2, len(wired), height), strict=True))
    cables: list[Cable] = []
    for place, group in enumerate(groups):
        start, jack, width = (place + 0.5) * ROW, jacks.get(id(group)), _width(group.numbers)
        if jack is None:
            cables.append(_hanging(start))
        elif group.verdict is Verdict.UNHEALTHY:
            cables.append(_loose(start, jack, width))
        else:
            cables.append(_plugged(start, jack, group.verdict, width))
            if group.unhealthy:
                cables.append(_loose(start + 7, None, _width(group.unhealthy)))
    return cables


def _agent_cables(blocks: Sequence[Block], agents: Sequence[str], height: float) -> list[Cable]:
    """Returns a cable for each pair of provider and agent."""
    each = height / max(len(agents), 1)
    pairs = [(block, agent) for block in blocks for agent in agents if _groups_of(block, agent)]
    cables = []
    for block, agent in pairs:
        leaving = [other for one, other in pairs if one is block]
        arriving = [one for one, other in pairs if other == agent]
        start = _jack_heights(block.middle, len(leaving), block.height)[leaving.index(agent)]
        middle = (agents.index(agent) + 0.5) * each
        end = _jack_heights(middle, len(arriving), ROW)[arriving.index(block)]
        numbers = _merge_groups(_groups_of(block, agent))
        cables.append(_plugged(start, end, numbers.verdict, _width(numbers.numbers)))
    return cables


def _order_agents(blocks: Sequence[Block]) -> list[str]:
    """Returns the agents in their numbers' order, so that few cables cross; `OTHERS` is last."""
    places: dict[str, list[int]] = {}
    groups = [group for block in blocks for group in block.groups]
    for place, group in enumerate(groups):
        if group.agent is not None:
            places.setdefault(group.agent, []).append(place)
    return sorted(places, key=lambda name: (name == OTHERS, sum(places[name]) / len(places[name]), name))


def _groups_of(block: Block, agent: str) -> list[Group]:
    return [group for group in block.groups if group.agent == agent]


def _merge_groups(groups: Sequence[Group]) -> Group:
    """Returns all numbers of the groups as one group."""
    verdicts = {one: sum(group.verdicts.get(one, 0) for group in groups) for one in Verdict}
    return Group(groups[0].provider, groups[0].agent, verdicts, groups[0].first)


def _jack_heights(middle: float, count: int, room: float) -> list[float]:
    """Returns the heights of `count` jacks around a middle."""
    apart = min(APART, (room - 8) / max(count, 1))
    return [middle + (place - (count - 1) / 2) * apart for place in range(count)]


def _plugged(start: float, end: float, verdict: Verdict, width: float) -> Cable:
    """Returns a cable between two jacks, which hangs down slightly."""
    path = f"M0 {start:.4g}C38 {start + 7:.4g} 62 {end + 7:.4g} 100 {end:.4g}"
    ends = _points((0, start), (100, end))
    return Cable(path, TONES[verdict], width, ends, ends)


def _loose(start: float, jack: float | None, width: float) -> Cable:
    """Returns a cable that has fallen out of its jack, or that has none."""
    end = start + 14
    path = f"M0 {start:.4g}C26 {start:.4g} 52 {start - 4:.4g} 58 {end:.4g}"
    jacks = [(0, start)] if jack is None else [(0, start), (100, jack)]
    return Cable(path, TONES[Verdict.UNHEALTHY], width, _points(*jacks), _points((0, start), (58, end)))


def _hanging(start: float) -> Cable:
    end = start + 13
    path = f"M0 {start:.4g}C10 {start:.4g} 15 {start:.4g} 16 {end:.4g}"
    return Cable(path, TONES[Verdict.OFF], 3, _points((0, start)), _points((0, start), (16, end)))


def _points(*points: tuple[float, float]) -> str:
    return "".join(f"M{x:g} {y:.4g}h0" for x, y in points)


def _width(numbers: int) -> float:
    return round(4 + min(log10(numbers) * 1.5, 5), 1)
