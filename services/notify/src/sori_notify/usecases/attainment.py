"""How many promises were kept, and how many would have been."""

import datetime as dt
from dataclasses import replace

from sori_kit.database import Database
from sori_notify import domain, store
from sori_notify.domain.attainment import attained
from sori_notify.wire.touchpoints import promised

MOST_KINDS = 5_000
MOST_THREADS = 20_000
_AT_ONCE = 500


async def get_attainment(db: Database, measured: store.Measured) -> list[domain.Attainment]:
    """Count promises by week, policy, metric, channel and team."""
    async with db.transaction() as tx:
        return await store.attainment(tx, measured, most=MOST_KINDS)


async def evaluate_policy(
    db: Database, policies: domain.Policies, *, since: dt.datetime, until: dt.datetime, now: dt.datetime
) -> tuple[list[domain.Attainment], list[domain.Attainment], int, bool]:
    """Tell past cases again under other policies; gives what was attained, what would have been, and over how much."""
    actual: list[domain.Case] = []
    other: list[domain.Case] = []
    async with db.transaction() as tx:
        keys = await store.threads_between(tx, since=since, until=until, most=MOST_THREADS + 1)
    for first in range(0, min(len(keys), MOST_THREADS), _AT_ONCE):
        some = keys[first : min(first + _AT_ONCE, MOST_THREADS)]
        async with db.transaction() as tx:
            dossiers = await store.load(tx, some)
        for key, dossier in dossiers.items():
            repromised = [_under(policies, each) for each in dossier.messages]
            for found, messages in ((actual, list(dossier.messages)), (other, repromised)):
                told = domain.tell(messages, dossier.acts, now=now, key=key)
                found += [each for each in told if since <= each.opened_time < until]
    return attained(actual), attained(other), min(len(keys), MOST_THREADS), len(keys) > MOST_THREADS


def _under(policies: domain.Policies, message: domain.Message) -> domain.Message:
    opens = policies.opens(message.actor, message.kind)
    again = replace(message, opens=opens)
    return promised(again, policies) if again.wants_answer else replace(again, promise=None)
