"""Tell journey what was forgotten here."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import structlog

from sori_kit.database import Database
from sori_kit.errors import Unavailable
from sori_notify import store

log = structlog.get_logger()


async def answer_erasures(db: Database, answer: Callable[[uuid.UUID, int], Awaitable[None]]) -> None:
    """Tell journey of each erasure of which every part is done, until it has heard."""
    async with db.transaction() as tx:
        waiting = await store.erasures.unanswered(tx)
    for erasure_id, removed in waiting:
        await answer(erasure_id, removed)
        async with db.transaction() as tx:
            await store.erasures.answered(tx, erasure_id)


async def answer_for_ever(
    db: Database, answer: Callable[[uuid.UUID, int], Awaitable[None]], every_seconds: float
) -> None:
    """Answer erasures until cancelled; who cannot be reached is tried again."""
    while True:
        try:
            await answer_erasures(db, answer)
        except Unavailable as away:
            log.warning("erasures.waiting", reason=str(away))
        await asyncio.sleep(every_seconds)
