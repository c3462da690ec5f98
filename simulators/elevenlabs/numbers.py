from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.base import CANARY, Reply, Request
from simulators.console import Action, Row, Table, moving

AGENTS = "/v1/convai/agents"
NUMBERS = "/v1/convai/phone-numbers"
RECEPTION, NIGHT_SHIFT, RETIRED = "agent_sample_1", "agent_sample_2", "agent_sample_3"


def complaint(place: str) -> Reply:
    """Returns the error for an invalid field of the request."""
    return Reply(422, {"detail": [{"loc": ["body", place], "msg": CANARY, "type": "value_error"}]})


@dataclass
class Fault:
    """Replaces the response by `reply`, the given number of `times`.

    If `is_late`, the request is executed too.
    """

    method: str
    path: str
    reply: Reply = field(default_factory=lambda: Reply(500, {"detail": CANARY}))
    is_late: bool = False
    times: int = 100

    def meets(self, request: Request) -> bool:
        return self.times > 0 and request.method == self.method and request.path.startswith(self.path)


class AgentsAndNumbers:
    """The agents and the phone numbers of a workspace.

    `agents`: their names by id. `numbers`: by id. `odd`: additional entries in the list of numbers. `faults`:
    the first that matches a request applies. `own_webhooks`: the webhook of an agent in place of the
    workspace's. `takes_null`: a number's agent is removed if null is sent.
    """

    def __init__(self) -> None:
        self.agents = {RECEPTION: "Reception", NIGHT_SHIFT: "Night shift"}
        self.archived = {RETIRED: "Retired"}
        self.own_webhooks: dict[str, str] = {}
        self.numbers: dict[str, dict[str, Any]] = {}
        self.odd: list[Any] = []
        self.faults: list[Fault] = []
        self.takes_null = True
        self.page_size = 100
        self._made = 0

    def add(self, phone_number: str, agent_id: str | None = None, **more: Any) -> str:
        """Adds an imported number and returns its id."""
        self._made += 1
        number_id = f"phnum_sample_{self._made}"
        fields = {"provider": "sip_trunk", "phone_number": phone_number, "label": "Imported manually"}
        self.numbers[number_id] = fields | more | {"agent_id": agent_id}
        return number_id

    def tables(self) -> list[Table]:
        agents = [
            Row(name, key, [Action("Archive", moving(self.agents, key, self.archived))])
            for key, name in self.agents.items()
        ]
        agents += [
            Row(name, f"{key}, archived", [Action("Take back", moving(self.archived, key, self.agents))])
            for key, name in self.archived.items()
        ]
        text = "Imported to be answered by an agent."
        return [
            Table("Agents", agents),
            Table("Phone numbers", [self._row(number_id) for number_id in self.numbers], text),
        ]

    def _row(self, number_id: str) -> Row:
        number = self.numbers[number_id]

        def assign(typed: str) -> None:
            number["agent_id"] = typed or None

        chosen = number["agent_id"] or ""
        choices = {chosen: chosen, "": "no agent"} | self.agents
        actions = [
            Action("Answered by", assign, value=chosen, options=choices),
            Action("Remove", moving(self.numbers, number_id, {})),
        ]
        now = f"Answered by {choices[chosen]}"
        return Row(number["phone_number"], now, actions, f"{number['label']} ({number_id})")

    def has(self, path: str) -> bool:
        return path in (AGENTS, NUMBERS) or path.startswith(f"{AGENTS}/") or path.startswith(f"{NUMBERS}/")

    def permission(self, request: Request) -> str:
        return "convai_read" if request.method == "GET" else "convai_write"

    def answer(self, request: Request) -> Reply:
        fault = next((fault for fault in self.faults if fault.meets(request)), None)
        if fault is None:
            return self._answer(request)
        fault.times -= 1
        if fault.is_late:
            self._answer(request)
        return fault.reply

    def _answer(self, request: Request) -> Reply:
        if request.method == "GET" and request.path.startswith(f"{AGENTS}/"):
            return self._agent(request.path.removeprefix(f"{AGENTS}/"))
        payload = json.loads(request.body) if request.body else {}
        number_id = request.path.removeprefix(NUMBERS).removeprefix("/")
        match request.method, request.path == AGENTS, bool(number_id):
            case "GET", True, _:
                return self._page(request.query)
            case "GET", False, False:
                return Reply(200, [*self.odd, *map(self._document, self.numbers)])
            case "POST", False, False:
                return self._import(payload)
        if number_id not in self.numbers:
            return Reply(404, {"detail": {"status": "phone_number_not_found", "message": CANARY}})
        if request.method == "PATCH":
            return self._change(number_id, payload)
        if request.method == "DELETE":
            del self.numbers[number_id]
        return Reply(200, {})

    def _agent(self, agent_id: str) -> Reply:
        if agent_id not in self.agents:
            return Reply(404, {"detail": {"status": "agent_not_found", "message": CANARY}})
        own = self.own_webhooks.get(agent_id)
        overrides = {"webhooks": {"post_call_webhook_id": own} if own else None}
        settings = {"workspace_overrides": overrides}
        return Reply(
            200, {"agent_id": agent_id, "name": self.agents[agent_id], "platform_settings": settings}
        )

    def _page(self, query: Mapping[str, str]) -> Reply:
        listed = [(key, name, False) for key, name in self.agents.items()]
        listed += [(key, name, True) for key, name in self.archived.items()]
        start = int(query.get("cursor", "0"))
        end = start + min(self.page_size, int(query.get("page_size", "30")))
        items = [
            {"agent_id": key, "name": name, "archived": archived, "tags": [CANARY]}
            for key, name, archived in listed[start:end]
        ]
        more = end < len(listed)
        return Reply(200, {"agents": items, "next_cursor": str(end) if more else None, "has_more": more})

    def _import(self, payload: dict[str, Any]) -> Reply:
        for name in ("provider", "phone_number", "label"):
            if not isinstance(payload.get(name), str):
                return complaint(name)
        if not payload.get("outbound_trunk_config", {}).get("address"):
            return complaint("outbound_trunk_config")
        known_names = {
            "agent_id",
            "inbound_trunk_config",
            "outbound_trunk_config",
            "provider",
            "phone_number",
            "label",
        }
        if set(payload) - known_names:
            return complaint(CANARY)
        more = {name: value for name, value in payload.items() if name not in ("phone_number", "agent_id")}
        number_id = self.add(payload["phone_number"], payload.get("agent_id"), **more)
        return Reply(200, {"phone_number_id": number_id})

    def _change(self, number_id: str, changes: dict[str, Any]) -> Reply:
        agent_id = changes.get("agent_id")
        if agent_id is not None and agent_id not in self.agents:
            return Reply(404, {"detail": {"status": "agent_not_found", "message": CANARY}})
        if agent_id is not None or self.takes_null:
            self.numbers[number_id]["agent_id"] = agent_id
        return Reply(200, self._document(number_id))

    def _document(self, number_id: str) -> dict[str, Any]:
        number = dict(self.numbers[number_id])
        agent_id = number.pop("agent_id")
        agent = {"agent_id": agent_id, "agent_name": CANARY} if agent_id else None
        return number | {"phone_number_id": number_id, "assigned_agent": agent}
