"""Pydantic models of credentials, derived from the declarations of providers."""

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
    """Returns the fields for pydantic's `create_model`: each typed field, optional, null to clear.

    `naming` returns a field's name in the model, from the provider's key and the declared name.
    """
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


def picked(provider: Provider, naming: Naming, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the submitted values that belong to the provider, by declared field name."""
    names = {naming(provider.key, field.name): field.name for field in provider.typed_fields}
    return {names[name]: value for name, value in changes.items() if name in names}


@cache
def draft_model(provider: Provider) -> type[BaseModel]:
    """Returns the model of a form for one provider, whose fields are named as in the settings API."""
    name = f"{naming.pascal(provider.key)}Credentials"
    return model(name, validation.STRICT, definitions([provider], settings_name))


def read_submitted(scope: Scope, provider: Provider, submitted: Any) -> dict[str, Any]:
    """Returns the validated values submitted for one provider, by declared field name.

    `submitted` has the names of the settings API. Raises Invalid.
    """
    draft = validation.read(draft_model(provider), submitted, country=scope.organization.country)
    return picked(provider, settings_name, draft.model_dump(exclude_unset=True))
