"""Status reads: no module opens a transaction, and no operation changes a row."""

from __future__ import annotations

from pathlib import Path

from app.provider import Family
from app.services import status
from app.services.scope import Scope
from app.services.status import call_path, home, impact, overview, search, setup
from tests.support.scopes import statements
from tests.support.statuses import NUMBER, TWILIO

WRITES = (".transaction(", "session.add", ".flush(", ".commit(", "sql.run(", "sql.upsert(")


def test_no_operation_of_status_opens_a_transaction_and_no_module_writes(live, engine, monkeypatch):
    opened = []
    monkeypatch.setattr(Scope, "transaction", lambda *_, **__: opened.append(1))
    with statements(engine) as sql_statements:
        overview.page(live)
        home.of(live)
        setup.next_step(live)
        call_path.find(live, NUMBER)
        search.find(live, "555")
        impact.of_provider(live, TWILIO)
        impact.of_base_url(live, None)
        impact.of_switch(live, Family.VOICE, "twilio")
    assert opened == []
    assert {line.split()[0] for line in sql_statements} == {"SELECT", "WITH"}

    modules = list(Path(status.__file__).parent.glob("*.py"))
    writes = [
        (module.name, word) for module in modules for word in WRITES if word in module.read_text("utf-8")
    ]
    assert len(modules) > 5
    assert writes == []
