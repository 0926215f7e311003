"""What people did to cases."""

import json
import uuid
from collections.abc import Collection

from sori_kit.database import Transaction
from sori_notify.domain import Act, ActKind, Severity
from sori_notify.store.tables import CASE_ACT, Row, query

_LOAD = query(CASE_ACT, "case_id = any($1)")


async def add_acts(tx: Transaction, acts: Collection[Act]) -> None:
    """Keep acts, each once."""
    await tx.execute(
        """
        insert into case_act (act_id, case_id, kind, act_time, actor, team, person, severity, tags)
        select * from unnest(cast(:act_ids as uuid[]), cast(:case_ids as uuid[]), cast(:kinds as text[]),
            cast(:times as timestamptz[]), cast(:actors as text[]), cast(:teams as text[]), cast(:persons as text[]),
            cast(:severities as text[]), cast(:tags as jsonb[]))
        on conflict do nothing""",
        {
            "act_ids": [each.act_id for each in acts],
            "case_ids": [each.case_id for each in acts],
            "kinds": [each.kind.value for each in acts],
            "times": [each.time for each in acts],
            "actors": [each.actor for each in acts],
            "teams": [each.team for each in acts],
            "persons": [each.person for each in acts],
            "severities": [each.severity and each.severity.value for each in acts],
            "tags": [json.dumps(each.tags) for each in acts],
        },
    )


async def load_acts(tx: Transaction, case_ids: Collection[uuid.UUID]) -> list[Act]:
    """Load what people did to these cases."""
    if not case_ids:
        return []
    return [_act(row) for row in await tx.fetch(_LOAD, list(case_ids))]


def _act(row: Row) -> Act:
    return Act(
        act_id=row["act_id"],
        case_id=row["case_id"],
        kind=ActKind(row["kind"]),
        time=row["act_time"],
        actor=row["actor"],
        team=row["team"],
        person=row["person"],
        severity=row["severity"] and Severity(row["severity"]),
        tags=tuple(row["tags"]),
    )
