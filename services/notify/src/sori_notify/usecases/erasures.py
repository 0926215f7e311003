"""Tell journey what was forgotten here."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable

import structlog

from sori_kit.bus import DEAD_LETTERS, Bus
from sori_kit.clock import Clock
from sori_kit.database import Database
from sori_kit.errors import Unavailable
from sori_notify import store

log = structlog.get_logger()

Answer = Callable[[uuid.UUID, int], Awaitable[None]]


async def answer_erasures(db: Database, bus: Bus, answer: Answer, *, settle: dt.timedelta, now: dt.datetime) -> None:
    """Delete what streams hold of the cases of each erasure of which every part is done, then tell journey.

    They are looked through at once, and again when `settle` is over: by then what was on its way has arrived.
    """
    async with db.transaction() as tx:
        waiting = await store.erasures.unanswered(tx, settled_before=now - settle)
    for each in waiting:
        gone = (await bus.forget((bus.stream, DEAD_LETTERS), each.case_ids)).total() if each.case_ids else 0
        async with db.transaction() as tx:
            await store.erasures.looked(tx, each.erasure_id, gone)
            staged = bool(each.case_ids) and await store.erasures.still_staged(tx, each.case_ids)
        if gone or staged or not each.settled:
            continue
        await answer(each.erasure_id, each.removed)
        async with db.transaction() as tx:
            await store.erasures.answered(tx, each.erasure_id)


async def answer_for_ever(
    db: Database, bus: Bus, clock: Clock, answer: Answer, *, settle: dt.timedelta, every_seconds: float
) -> None:
    """Answer erasures until cancelled; who cannot be reached is tried again."""
    while True:
        try:
            await answer_erasures(db, bus, answer, settle=settle, now=clock.now())
        except Unavailable as away:
            log.warning("erasures.waiting", reason=str(away))
        await asyncio.sleep(every_seconds)
