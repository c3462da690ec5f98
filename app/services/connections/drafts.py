"""Input models derived from the declarations of providers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, create_model
from pydantic import Field as PydanticField

from app.core import naming
from app.core.naming import settings_name
from app.provider import Family, Field, Origin, Provider
from app.services import validation
from app.services.scope import Scope

Naming = Callable[[str, str], str]


def definitions(
    providers: Iterable[Provider], naming: Naming, family: Family | None = None
) -> dict[str, Any]:
    """For `create_model`: each typed field by its derived name, optional, null to clear."""
    return {
        naming(provider.key, field.name): (_annotation(field), None)
        for provider in providers
        for field in (provider.fields_in(family) if family else provider.fields)
        if field.origin is Origin.TYPED
    }


def _annotation(field: Field) -> Any:
    value: Any = Annotated[field.python_type, validation.Checked(field.check, field.constraints())]
    return Annotated[value | None, PydanticField(json_schema_extra=field.schema())]


def model(name: str, config: ConfigDict, fields: Mapping[str, Any]) -> type[BaseModel]:
    base = type("Draft", (BaseModel,), {"model_config": config, "__module__": __name__})
    return create_model(name, __base__=base, **fields)


def picked(provider: Provider, naming: Naming, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Of what was sent, the provider's own values by field name."""
    names = {naming(provider.key, field.name): field.name for field in provider.typed_fields}
    return {names[name]: value for name, value in sent.items() if name in names}


@cache
def draft_model(provider: Provider) -> type[BaseModel]:
    """What a form may send for one provider, named as in the settings API."""
    name = f"{naming.pascal(provider.key)}Credentials"
    return model(name, validation.STRICT, definitions([provider], settings_name))


def read_sent(scope: Scope, provider: Provider, sent: Any) -> dict[str, Any]:
    """The values that were sent for one provider, named as in the settings API, by field name."""
    draft = validation.read(draft_model(provider), sent, country=scope.organization.country)
    return picked(provider, settings_name, draft.model_dump(exclude_unset=True))
