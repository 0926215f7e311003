"""Read the clocks of what a file says happened; the same fold as on the line, with nothing that runs."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from sori_notify import domain, wire
from sori_notify.wire.records import Changed, Merged, Opened, Record
from sori_notify.wire.touchpoints import grouped_key


def evaluate(records: Iterable[Record], policies: domain.Policies, *, now: dt.datetime) -> list[domain.Case]:
    """Tell all cases, oldest first, with their clocks as they stand at `now`; what happens later is not known yet."""
    messages: list[domain.Message] = []
    changes: list[Changed] = []
    merges: list[Merged] = []
    opened: list[domain.Message] = []
    for each in records:
        if isinstance(each, Changed):
            changes.append(each)
        elif isinstance(each, Merged):
            merges.append(each)
        elif isinstance(each, Opened):
            opened += [found for found in [_opening(each, policies)] if found and found.occurred_time <= now]
        elif (message := wire.message(each, policies)) is not None and message.occurred_time <= now:
            messages.append(message)
    merges = [each for each in merges if each.time <= now]
    messages = _newest(messages)
    known = {each.case_id for each in messages if each.opens}
    messages += [each for each in _newest(opened) if each.case_id not in known]
    keys = _keys(messages, merges)
    threads: defaultdict[uuid.UUID, list[domain.Message]] = defaultdict(list)
    for message in messages:
        threads[keys[message.case_id]].append(message)
    acts: defaultdict[uuid.UUID, list[domain.Act]] = defaultdict(list)
    names = _names(messages)
    for change in changes:
        if change.act.time <= now:
            for key in {keys[each] for each in names[change.name] if change.source in ("", names[change.name][each])}:
                acts[key].append(change.act)
    cases = [case for key, found in threads.items() for case in domain.tell(found, acts[key], now=now, key=key)]
    return sorted(cases, key=lambda each: (each.opened_time, each.case_id))


def _opening(given: Opened, policies: domain.Policies) -> domain.Message | None:
    """Read the message that a case was opened by from what is said of the case; whatever opens cases, this does."""
    return wire.message(given.stitched, replace(policies, opening_kinds=policies.opening_kinds | {domain.Kind.INQUIRY}))


def _newest(messages: Iterable[domain.Message]) -> list[domain.Message]:
    """Keep the newest revision of each touchpoint; an edit may have moved it to another thread."""
    newest: dict[uuid.UUID, domain.Message] = {}
    for message in messages:
        known = newest.get(message.touchpoint_id)
        if known is None or known.revision < message.revision:
            newest[message.touchpoint_id] = message
    return list(newest.values())


def _names(messages: Iterable[domain.Message]) -> defaultdict[str, dict[uuid.UUID, str]]:
    """Map what a change may call a case (its thread, its id, a touchpoint of it) to threads and their sources."""
    found: defaultdict[str, dict[uuid.UUID, str]] = defaultdict(dict)
    for each in messages:
        for name in (each.thread_id, str(each.case_id), str(each.touchpoint_id)):
            found[name][each.case_id] = each.source
    return found


def _keys(messages: Iterable[domain.Message], merges: Iterable[Merged]) -> dict[uuid.UUID, uuid.UUID]:
    """Say, for each thread, which one it is part of after all merges, in whichever order these come."""
    messages = list(messages)
    pairs = {each.customer_id: each.into_customer_id for each in merges if each.customer_id and each.into_customer_id}
    customers = domain.flatten({}, pairs.items())
    names = _names(messages)
    into: list[tuple[uuid.UUID, uuid.UUID]] = [
        (old, new)
        for each in merges
        if each.name and each.into
        for old, of_source in names[each.name].items()
        for new in list(names[each.into])[:1]
        if each.source in ("", of_source)
    ]
    for each in messages:
        if each.grouped and each.customer_id in customers:
            into.append((each.case_id, grouped_key(customers[each.customer_id], each.topics[0])))
    flat = domain.flatten({}, into)
    return {each.case_id: flat.get(each.case_id, each.case_id) for each in messages}
