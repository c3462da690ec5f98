"""The fields of an endpoint. A new one is a column of the model, a migration, and a line of this table.

The form, files, bulk changes, undo, search, sorting, the labels of the audit and the API derive from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, Field, create_model

from app.core import phone
from app.models import Endpoint
from app.provider import Family
from app.providers import keys_in
from app.services import validation
from app.services.endpoints import messages
from app.services.fields import Agent, Label
from app.services.validation import Checked

Number = Annotated[str, Checked(phone.normalize, {"format": phone.FORMAT})]
ProviderKey = Annotated[str, validation.one_of(keys_in(Family.TELEPHONY))]


@dataclass(frozen=True)
class EndpointField:
    """A column of the model. `type` is bool, or a text type of `app.services.fields` or this module.

    A `fixed` field is required in a new endpoint and never changes. Any other text may be null.
    """

    name: str
    label: str
    type: Any
    help: str = ""
    _: KW_ONLY
    api_help: str | None = None
    csv_help: str = ""
    examples: Sequence[str] = ("", "")
    """The cells in the two rows of the CSV template."""
    group: str = "Number"
    """The heading of its part of the form."""
    default: Any = None
    fixed: bool = False
    search_word: str = ""
    """The name of the field in the hint of the search; empty if its text is not searched."""
    sort: str = ""
    """The name in URLs of the order by this field, for which the model needs an index."""
    sort_words: tuple[str, str] = ("", "")
    bulk: bool = False
    verbs: tuple[str, str] = ("", "")
    """For a bool: the labels of the buttons that set it to true and to false."""
    changes_webhook: bool = False
    """Whether the number's webhook URL, or having one, depends on it."""
    column: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "column", getattr(Endpoint, self.name))

    @property
    def is_text(self) -> bool:
        return self.type is not bool

    @property
    def sorted_words(self) -> tuple[str, str]:
        """The names of the two orders by this field, ascending and descending."""
        word = self.sort.capitalize()
        return self.sort_words if all(self.sort_words) else (word, f"{word}, descending")

    @property
    def schema(self) -> Mapping[str, Any]:
        """The OpenAPI schema of a text, without its type."""
        checks = (one.schema for one in get_args(self.type) if isinstance(one, Checked))
        return next(checks, {})

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(self.schema.get("enum", ()))

    @property
    def read_type(self) -> Any:
        """The type of a stored value."""
        if not self.is_text:
            return bool
        plain: Any = Literal[self.choices] if self.choices else str
        return plain if self.fixed else plain | None

    @property
    def definition(self) -> Any:
        """The type and field for a pydantic model of submitted values."""
        described = self.api_help or self.help
        if self.fixed:
            return self.type, Field(description=described)
        kind, default = (self.type | None, None) if self.is_text else (bool, self.default)
        return kind, Field(default, description=described)


FIELDS = (
    EndpointField(
        "phone_number",
        "Phone number",
        Number,
        "With its country code, such as +15551234567.",
        api_help="E.164.",
        examples=("+15551234567", "+442079460958"),
        fixed=True,
        search_word="number",
        sort="number",
    ),
    EndpointField(
        "provider",
        "Provider",
        ProviderKey,
        "The account that this number belongs to.",
        csv_help="Required for new rows; it can't be changed later.",
        examples=(*keys_in(Family.TELEPHONY)[:2],),
        fixed=True,
        sort="provider",
    ),
    EndpointField(
        "inbound_agent_name",
        "Inbound agent",
        Agent,
        "The agent that answers calls to this number.",
        csv_help="Empty: no inbound agent.",
        examples=("Reception", "Reception"),
        group="Agents",
        search_word="agent",
        sort="agent",
        bulk=True,
        changes_webhook=True,
    ),
    EndpointField(
        "outbound_agent_name",
        "Outbound agent",
        Agent,
        "The agent that makes calls from this number.",
        csv_help="Empty: no outbound agent.",
        examples=("Sales", ""),
        group="Agents",
        search_word="agent",
        bulk=True,
    ),
    EndpointField(
        "label",
        "Label",
        Label,
        "Internal name, such as Front desk.",
        csv_help="Internal name.",
        examples=("Front desk", "London"),
        search_word="label",
        sort="label",
        bulk=True,
    ),
    EndpointField(
        "is_active",
        "Active",
        bool,
        api_help="Whether calls are answered and made. A new endpoint is active.",
        csv_help="true or false. Empty: unchanged; a new endpoint is active.",
        examples=("true", "false"),
        group="Agents",
        default=True,
        sort="active",
        sort_words=("Inactive first", "Active first"),
        bulk=True,
        verbs=("Activate", "Deactivate"),
        changes_webhook=True,
    ),
)

BY_NAME = {field.name: field for field in FIELDS}
LABELS = {field.name: field.label for field in FIELDS}
COLUMNS = tuple(BY_NAME)
EDITABLE = tuple(field for field in FIELDS if not field.fixed)
AGENTS = tuple(field for field in FIELDS if field.type is Agent)
SEARCHED = tuple(field for field in FIELDS if field.search_word)
_WORDS = list(dict.fromkeys(field.search_word for field in SEARCHED))
SEARCHED_WORDS = f"{', '.join(_WORDS[:-1])} or {_WORDS[-1]}"
BULK = tuple(field for field in FIELDS if field.bulk)
WEBHOOK_FIELDS = frozenset(field.name for field in FIELDS if field.changes_webhook)
RESTORABLE_FIELDS = tuple(field.name for field in FIELDS if field.name != "phone_number")
"""All fields beside the number: enough to restore an endpoint."""

COMPUTED = ("created_at", "inbound_webhook_url")
"""Fields that are read with the others, and never submitted."""

PROVEN_AT = "proven_at"
"""When the number was proven. It changes by itself, so any value can be sent back."""

_COMPUTED = dict.fromkeys(("id", *COMPUTED, PROVEN_AT, "version"), messages.COMPUTED)


class _New(BaseModel):
    model_config = validation.STRICT
    fixed: ClassVar[Mapping[str, str]] = _COMPUTED


EDIT_FIXED = _COMPUTED | dict.fromkeys((field.name for field in FIELDS if field.fixed), messages.FIXED)


class _Edit(_New):
    fixed: ClassVar[Mapping[str, str]] = EDIT_FIXED


def _model(name: str, base: type[BaseModel], fields: Sequence[EndpointField], doc: str) -> type[BaseModel]:
    definitions: dict[str, Any] = {field.name: field.definition for field in fields}
    return create_model(name, __base__=base, __doc__=doc, **definitions)


EndpointEdit = _model("EndpointEdit", _Edit, EDITABLE, "What may be changed afterwards.")
EndpointDraft = _model("EndpointDraft", _New, FIELDS, "A new endpoint.")
NewEndpoint = _model("NewEndpoint", _New, FIELDS[1:], "What is said of a new endpoint beside its number.")
