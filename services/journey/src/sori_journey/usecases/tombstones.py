"""Recognising what is of people who were erased."""

import datetime as dt
from collections.abc import Mapping, Sequence

from sori_journey import domain
from sori_journey.store import rights
from sori_kit.database import Transaction


async def erased(
    tx: Transaction,
    salt: bytes,
    seen: Sequence[tuple[domain.Observation, tuple[domain.Identifier, ...]]],
    policy: domain.IdentityPolicy,
) -> list[dt.datetime | None]:
    """Say of observations, each with the identifiers that count, when whoever is behind it was erased since.

    None: they were not, or it occurred later.
    """
    hashes = {one: rights.digest(salt, *one.key) for _, identifiers in seen for one in identifiers}
    touchpoints = [rights.touchpoint_digest(salt, observation.touchpoint_id) for observation, _ in seen]
    found = await rights.erased_times(tx, {*hashes.values(), *touchpoints})
    if not found:
        return [None] * len(seen)
    times = {one: time for one, digest in hashes.items() if (time := found.get(digest))}
    return [
        found.get(touchpoint) or _since(observation, identifiers, times, policy)
        for (observation, identifiers), touchpoint in zip(seen, touchpoints, strict=True)
    ]


def _since(
    observation: domain.Observation,
    identifiers: Sequence[domain.Identifier],
    times: Mapping[domain.Identifier, dt.datetime],
    policy: domain.IdentityPolicy,
) -> dt.datetime | None:
    """Say when somebody behind it was erased since, unless somebody else is whom the company knows by its books."""
    for each in identifiers:
        if each not in times:
            if policy.strength(each) is domain.Strength.STRONG:
                return None
        elif observation.occurred_time <= times[each]:
            return times[each]
    return None
