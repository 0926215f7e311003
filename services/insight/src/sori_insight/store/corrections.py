"""What people say classifications should have been."""

import uuid
from collections.abc import Collection, Mapping, Sequence

from sori_insight.domain import Corrected, Sentiment
from sori_insight.store.tables import FEED
from sori_kit.database import Transaction


async def keep(tx: Transaction, corrections: Sequence[Corrected]) -> None:
    """Keep corrections, each once."""
    if not corrections:
        return
    await tx.lock(FEED)  # No line that they are about can be on its way in meanwhile.
    await tx.execute(
        "insert into correction (correction_id, touchpoint_id, corrected_time, content)"
        " select * from unnest(cast(:ids as uuid[]), cast(:touchpoints as uuid[]), cast(:times as timestamptz[]),"
        " cast(:contents as bytea[])) as new (correction_id, touchpoint_id, corrected_time, content)"
        " where not exists (select from erased where id = touchpoint_id) on conflict do nothing",
        {
            "ids": [each.correction_id for each in corrections],
            "touchpoints": [each.touchpoint_id for each in corrections],
            "times": [each.corrected_time for each in corrections],
            "contents": [each.content for each in corrections],
        },
    )


async def of_touchpoints(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[bytes, ...]]:
    """Give the corrections of touchpoints, in the order in which they were made."""
    rows = await tx.execute(
        "select touchpoint_id, array_agg(content order by corrected_time, correction_id) as contents from correction"
        " where touchpoint_id = any(cast(:ids as uuid[])) group by touchpoint_id",
        {"ids": list(touchpoint_ids)},
    )
    return {row.touchpoint_id: tuple(row.contents) for row in rows}


async def contents(tx: Transaction, touchpoint_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """Give the lines of touchpoints as they are stored."""
    rows = await tx.execute(
        "select touchpoint_id, content from feed_item where touchpoint_id = any(cast(:ids as uuid[]))",
        {"ids": list(touchpoint_ids)},
    )
    return {row.touchpoint_id: row.content for row in rows}


async def apply(tx: Transaction, corrected: Mapping[uuid.UUID, tuple[bytes, Sentiment | None]]) -> None:
    """Give lines another content and mood."""
    if corrected:
        await tx.execute(
            "update feed_item set content = new.content, sentiment = new.sentiment"
            " from unnest(cast(:ids as uuid[]), cast(:contents as bytea[]), cast(:sentiments as text[]))"
            " as new (id, content, sentiment) where touchpoint_id = id",
            {
                "ids": list(corrected),
                "contents": [content for content, _ in corrected.values()],
                "sentiments": [sentiment for _, sentiment in corrected.values()],
            },
        )
