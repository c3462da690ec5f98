"""Endpoints of Acme Support, for the tests of the services about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert

from app.models import Endpoint
from app.models.base import new_id
from app.services.scope import Scope


@pytest.fixture
def fill(acme: Scope) -> Callable[..., list[str]]:
    """Inserts endpoints +15550000000 and on in one statement, and returns their ids."""

    def fill(total: int, scope: Scope = acme, **more: Any) -> list[str]:
        rows = [
            {
                "id": new_id(),
                "organization_id": scope.organization.id,
                "phone_number": f"+1555{n:07}",
                "provider": "twilio",
                "inbound_agent_name": f"agent-{n}",
                "label": f"No. {n}",
            }
            | more
            for n in range(total)
        ]
        scope.session.execute(insert(Endpoint), rows)
        scope.session.commit()
        return [row["id"] for row in rows]

    return fill
