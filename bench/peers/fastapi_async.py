"""FastAPI with SQLAlchemy's asynchronous ORM."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.models import ApiToken, Organization, User, VoicePhoneNumber

peer = json.loads(os.environ["PEER"])
engine = create_async_engine(peer["url"].replace("sqlite:", "sqlite+aiosqlite:"))
sessions = async_sessionmaker(engine, expire_on_commit=False)
key = OctKey.import_key(peer["key"])
bearer = HTTPBearer()
app = FastAPI()


class ActiveProvider(BaseModel):
    provider: str | None
    phoneNumber: str | None  # noqa: N815 (the contract's name)


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


async def caller(
    session: Session, credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]
) -> User:
    try:
        claims = jwt.decode(credentials.credentials, key, algorithms=["HS256"]).claims
    except JoseError:
        raise HTTPException(401) from None
    user = await session.scalar(
        select(User)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.id == claims["jti"], ApiToken.revoked_at.is_(None), User.disabled_at.is_(None))
    )
    if user is None:
        raise HTTPException(401)
    return user


@app.get(peer["path"])
async def active_provider(session: Session, user: Annotated[User, Depends(caller)]) -> ActiveProvider:
    organization = await session.get_one(Organization, user.organization_id)
    number = await session.scalar(
        select(VoicePhoneNumber).where(
            VoicePhoneNumber.user_id == user.id,
            VoicePhoneNumber.provider == organization.active_voice,
            VoicePhoneNumber.is_default,
        )
    )
    return ActiveProvider(
        provider=organization.active_voice, phoneNumber=number.phone_number if number else None
    )
