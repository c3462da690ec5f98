"""Users with the voice phone numbers that are assigned to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from app.core import etag
from app.models import User, VoicePhoneNumber
from app.services.access import users as access_users
from app.services.numbers import assignments
from app.services.scope import Scope

NUMBERS = "voice_phone_numbers"


def documents(scope: Scope, users: Sequence[User]) -> list[dict[str, Any]]:
    """Returns users as the API documents them, with one query for the numbers of all."""
    query = (
        scope.select(VoicePhoneNumber)
        .where(VoicePhoneNumber.user_id.in_([user.id for user in users]))
        .order_by(VoicePhoneNumber.provider, VoicePhoneNumber.phone_number)
    )
    numbers = defaultdict(list)
    for number in scope.session.scalars(query):
        numbers[number.user_id].append(assignments.entry(number))
    return [access_users.document(user) | {NUMBERS: numbers[user.id]} for user in users]


def update(scope: Scope, user_id: str, payload: Any, *, version: etag.Condition = None) -> User:
    """Updates a user as `users.update_user` does. Their numbers may be sent back unchanged."""
    (current,) = documents(scope, [access_users.get(scope, user_id)])
    if isinstance(payload, dict) and payload.get(NUMBERS) == current[NUMBERS]:
        payload = {name: value for name, value in payload.items() if name != NUMBERS}
    return access_users.update_user(scope, user_id, payload, version=version)
