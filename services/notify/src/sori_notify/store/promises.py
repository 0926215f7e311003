"""Promises and calendars, frozen as they were when somebody was given them."""

import json
from collections.abc import Collection, Mapping

from sori_kit.database import Transaction
from sori_notify.domain import Calendar, Promise

_KNOWN_PROMISES: dict[str, Promise] = {}  # By the hash of their content, so that they are never out of date.
_KNOWN_CALENDARS: dict[str, Calendar] = {}
_MOST_KNOWN = 10_000


async def add_promises(tx: Transaction, promises: Collection[Promise]) -> None:
    """Keep promises and their calendars, each version once."""
    fresh = {each.version: each for each in promises if each.version not in _KNOWN_PROMISES}
    if not fresh:
        return
    calendars = {version: each for promise in fresh.values() for version, each in promise.calendars.items()}
    await tx.execute(
        "insert into calendar_version (version, content)"
        " select * from unnest(cast(:versions as text[]), cast(:contents as jsonb[])) on conflict do nothing",
        _rows({version: each.content() for version, each in calendars.items()}),
    )
    await tx.execute(
        "insert into promise_version (version, content)"
        " select * from unnest(cast(:versions as text[]), cast(:contents as jsonb[])) on conflict do nothing",
        _rows({version: each.content() for version, each in fresh.items()}),
    )


def _rows(contents: Mapping[str, Mapping[str, object]]) -> dict[str, list[str]]:
    versions = sorted(contents)  # In one order, so that two transactions do not wait for each other.
    return {"versions": versions, "contents": [json.dumps(contents[each]) for each in versions]}


async def load_promises(tx: Transaction, versions: Collection[str]) -> dict[str, Promise]:
    """Give promises by their versions; what is not in memory is read."""
    missing = {each for each in versions if each not in _KNOWN_PROMISES}
    if missing:
        await _read(tx, missing)
    return {each: _KNOWN_PROMISES[each] for each in versions}


async def _read(tx: Transaction, versions: Collection[str]) -> None:
    rows = await tx.execute(
        "select version, content from promise_version where version = any(cast(:versions as text[]))",
        {"versions": list(versions)},
    )
    contents = {row.version: row.content for row in rows}
    wanted = {target["calendar"] for content in contents.values() for target in content["targets"]}
    rows = await tx.execute(
        "select version, content from calendar_version where version = any(cast(:versions as text[]))",
        {"versions": [each for each in wanted if each not in _KNOWN_CALENDARS]},
    )
    if len(_KNOWN_PROMISES) > _MOST_KNOWN:
        _KNOWN_PROMISES.clear()
    for row in rows:
        _KNOWN_CALENDARS[row.version] = Calendar.of_content(row.content)
    for version, content in contents.items():
        _KNOWN_PROMISES[version] = Promise.of_content(content, _KNOWN_CALENDARS)
