"""Somebody took a case, or it is done: its chains and every message that waits stop in the same transaction."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping

import structlog

from sori_kit.database import Transaction
from sori_notify import domain, store
from sori_notify.domain import chains

log = structlog.get_logger()

_TAKEN = frozenset({domain.Change.ACKNOWLEDGED, domain.Change.ANSWERED})


async def heed(tx: Transaction, verdicts: Iterable[domain.Verdict], *, now: dt.datetime) -> None:
    """Stop what the turns of cases make needless."""
    taken: dict[uuid.UUID, str] = {}
    done: set[uuid.UUID] = set()
    for verdict in verdicts:
        if domain.Change.OPENED in verdict.changes and not verdict.case.is_done:
            continue  # It can have no chain yet.
        if verdict.case.is_done:
            done.add(verdict.case.case_id)
        elif not _TAKEN.isdisjoint(verdict.changes):
            said = domain.Change.ACKNOWLEDGED in verdict.changes
            taken[verdict.case.case_id] = verdict.case.acknowledged_by if said else "answer"
    if taken or done:
        await stop(tx, taken, done, now=now)


async def stop(
    tx: Transaction, taken: Mapping[uuid.UUID, str], done: Iterable[uuid.UUID] = (), *, now: dt.datetime
) -> int:
    """Note who took cases, and which are done; gives how many messages were taken back."""
    over = set(done)
    for chain in await store.chains.chains_of(tx, [*taken, *over]):
        if chain.case_id in over:
            entry: chains.Entry | None = chains.Entry(
                key="stopped", kind=chains.EntryKind.STOPPED, time=now, reason="the case is done"
            )
        else:
            entry = chains.acknowledged(chain.log, chain.plan, by=taken[chain.case_id], now=now, key=now.isoformat())
        standing = chains.stand(chain.plan, [*chain.log, entry]) if entry else None
        if entry and standing:
            await store.chains.record(tx, chain, [entry], standing)
            log.info("chain.stopped", chain_id=str(chain.chain_id), case_id=str(chain.case_id), kind=entry.kind)
    return await store.deliveries.cancel_deliveries(tx, [*taken, *over])
