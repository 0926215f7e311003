"""What people say touchpoints are about."""

import uuid
from collections.abc import Collection, Sequence

from sori_kit.database import Transaction
from sori_notify.domain import Corrected
from sori_notify.store.tables import listed


async def add_corrections(tx: Transaction, corrections: Sequence[Corrected]) -> list[uuid.UUID]:
    """Keep of each touchpoint the latest correction, in any order of arrival; gives the touchpoints that have it."""
    latest: dict[uuid.UUID, Corrected] = {}
    for each in corrections:
        known = latest.get(each.touchpoint_id)
        if known is None or known.place < each.place:
            latest[each.touchpoint_id] = each
    rows = await tx.execute(
        "insert into correction (touchpoint_id, correction_id, corrected_time, topics)"
        " select * from unnest(cast(:touchpoints as uuid[]), cast(:ids as uuid[]), cast(:times as timestamptz[]),"
        " cast(:topics as jsonb[])) as new (touchpoint_id, correction_id, corrected_time, topics)"
        " where not exists (select from erased where id = new.touchpoint_id)"
        " on conflict (touchpoint_id) do update set correction_id = excluded.correction_id,"
        " corrected_time = excluded.corrected_time, topics = excluded.topics"
        " where (correction.corrected_time, correction.correction_id) <"
        " (excluded.corrected_time, excluded.correction_id) returning touchpoint_id",
        {
            "touchpoints": list(latest),
            "ids": [each.correction_id for each in latest.values()],
            "times": [each.corrected_time for each in latest.values()],
            "topics": [listed(each.topics) for each in latest.values()],
        },
    )
    return list(rows.scalars())


async def corrected_topics(tx: Transaction, keys: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[str, ...]]:
    """Give the topics of those messages of threads that were corrected."""
    rows = await tx.fetch(
        "select touchpoint_id, correction.topics from correction join thread_event using (touchpoint_id)"
        " where case_id = any($1)",
        list(keys),
    )
    return {row["touchpoint_id"]: tuple(row["topics"]) for row in rows}
