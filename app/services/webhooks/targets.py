"""The endpoints that an API request selects for a job: by id, or by filter."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from app.core import texts
from app.core.errors import Invalid, NotFound, Problem
from app.models import Endpoint, Verdict
from app.provider import Family
from app.providers import keys_in
from app.services import fields, sql, validation
from app.services.endpoints.bulk import MAX_SELECTED, Selection
from app.services.endpoints.listing import Filter
from app.services.scope import Scope
from app.services.validation import RowId, Variant, one_of
from app.services.webhooks import messages

_Text = Annotated[str, Field(min_length=1, json_schema_extra={"pattern": texts.NOT_BLANK})]


ONE_OF = ("ids", "filter")


class EndpointFilter(BaseModel):
    """The filter of the list of endpoints. Without a field: all endpoints."""

    model_config = validation.STRICT

    q: Annotated[_Text, Field(max_length=fields.LABEL_LONGEST)] = None  # type: ignore[assignment]
    provider: Annotated[str, one_of(keys_in(Family.TELEPHONY))] = None  # type: ignore[assignment]
    is_active: bool = None  # type: ignore[assignment]
    agent: _Text = None  # type: ignore[assignment]
    health: Annotated[str, one_of([str(verdict) for verdict in Verdict])] = None  # type: ignore[assignment]


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    fields = schema["properties"]
    both = {key: fields[key] for key in fields if key not in ONE_OF}
    variants = {
        f"{model.__name__}By{name.title()}": Variant({name: fields[name]} | both, [name]) for name in ONE_OF
    }
    validation.describe_variants(schema, variants)


class EndpointTargets(BaseModel):
    """Either `ids` or `filter`."""

    model_config = ConfigDict(**validation.STRICT, json_schema_extra=_describe)

    ids: Annotated[
        list[RowId], Field(min_length=1, max_length=MAX_SELECTED, json_schema_extra={"uniqueItems": True})
    ] = None  # type: ignore[assignment]
    filter: SkipValidation[EndpointFilter] = None  # type: ignore[assignment]


class WebhookTargets(EndpointTargets):
    replace_known_services: bool = Field(
        False, description="Also configure numbers that a known service answers, such as a Studio flow."
    )


def read(scope: Scope, payload: Any) -> tuple[Selection, bool]:
    """Returns the selection, and whether known services are replaced. Raises Invalid, NotFound."""
    targets = validation.read(WebhookTargets, payload)
    return selected(scope, targets), targets.replace_known_services


def selected(scope: Scope, targets: EndpointTargets) -> Selection:
    """Returns the selection. Raises Invalid, NotFound."""
    names = [name for name in ONE_OF if name in targets.model_fields_set]
    if len(names) != 1:
        raise Invalid([Problem(names[-1] if names else "body", messages.IDS_OR_FILTER)])
    return _by_filter(targets.filter) if names == ["filter"] else _by_ids(scope, targets.ids)


def _by_filter(payload: Any) -> Selection:
    try:
        chosen = validation.read(EndpointFilter, payload)
    except Invalid as error:
        raise Invalid([_in_filter(problem) for problem in error.problems]) from None
    health = Verdict(chosen.health) if chosen.health else None
    filters = Filter((chosen.q or "").strip(), chosen.provider, chosen.is_active, chosen.agent, health=health)
    return Selection(filters=filters)


def _in_filter(problem: Problem) -> Problem:
    is_whole = problem.field == "body"
    return Problem("filter" if is_whole else f"filter.{problem.field}", problem.message)


def _by_ids(scope: Scope, ids: list[str]) -> Selection:
    first: dict[str, int] = {}
    problems = [
        Problem(f"ids.{index}", messages.repeated_id(first[row_id]))
        for index, row_id in enumerate(ids)
        if first.setdefault(row_id, index) != index
    ]
    if problems:
        raise Invalid(problems[: validation.MOST_PROBLEMS])
    query = scope.select(Endpoint).where(sql.in_list(scope, Endpoint.id, ids))
    existing_ids = set(scope.session.scalars(query.with_only_columns(Endpoint.id)))
    if missing := [index for row_id, index in first.items() if row_id not in existing_ids]:
        raise NotFound(messages.missing_ids(missing))
    return Selection(ids=ids)
