"""Counting paths in numpy, a portion of customers at a time, so that memory stays flat."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sori_journey.domain.journey_map import (
    FELT,
    LEAVING,
    MOOD_SCALE,
    MOST_TOPICS,
    OWN,
    STEP_FIELDS,
    Cell,
    Change,
    DropOff,
    JourneyMap,
)

_STEP = np.dtype(list(STEP_FIELDS))
_CHANNELS, _KINDS = 32, 64  # More than the protocol has.
_PLACES = 16 * _CHANNELS * _KINDS  # a stage, a channel and a kind, numbered
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_FIRST, _LAST = -(2**62), 2**62
_Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """The paths of some customers, one after the other."""

    path_ids: bytes  # 16 each
    known: Sequence[bool]
    counts: Sequence[int]
    steps: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is counted; words as they are numbered."""

    from_time: dt.datetime | None
    until_time: dt.datetime | None
    product: int | None  # None: any
    org_unit: int | None
    silent_after: dt.timedelta
    now: dt.datetime


def _micros(time: dt.datetime | None, otherwise: int) -> int:
    return otherwise if time is None else (time - _EPOCH) // _MICROSECOND


def _time(micros: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=micros)


class _Read:
    """A portion as columns."""

    def __init__(self, portion: Portion, question: Question) -> None:
        steps = np.frombuffer(portion.steps, _STEP)
        self.who: _Array = np.repeat(np.arange(len(portion.counts)), portion.counts)
        self.known: _Array = np.asarray(portion.known, bool)[self.who]
        self.time: _Array = np.ascontiguousarray(steps["time"])
        self.kind: _Array = steps["kind"].astype(np.int64)
        self.cell: _Array = steps["stage"].astype(np.int64) * _CHANNELS + steps["channel"]
        self.flags: _Array = np.ascontiguousarray(steps["flags"])
        self.mood: _Array = steps["mood"] / MOOD_SCALE
        self.topics = [steps[f"topic{number}"] for number in range(MOST_TOPICS)]
        wanted = (self.time >= _micros(question.from_time, _FIRST)) & (self.time < _micros(question.until_time, _LAST))
        if question.product is not None:
            wanted &= steps["product"] == question.product
        if question.org_unit is not None:
            wanted &= steps["org_unit"] == question.org_unit
        self.wanted: _Array = wanted

    def drop_offs(self, question: Question) -> tuple[_Array, _Array, _Array, _Array]:
        """Give the places of what customers did themselves, whether it is decided, dropped and left, and when next."""
        at = np.flatnonzero(self.known & ((self.flags & (OWN | LEAVING)) != 0))
        time, who = self.time[at], self.who[at]
        silence = int(question.silent_after / _MICROSECOND)
        following = np.zeros(len(at), bool)
        gap = np.full(len(at), _LAST)
        leaving = np.zeros(len(at), bool)
        if len(at) > 1:
            following[:-1] = who[1:] == who[:-1]
            gap[:-1] = np.where(following[:-1], time[1:] - time[:-1], _LAST)
            leaving[:-1] = following[:-1] & ((self.flags[at][1:] & LEAVING) != 0)
        soon = gap < silence
        left = soon & leaving
        long_ago = time <= _micros(question.now, 0) - silence
        base = self.wanted[at] & ((self.flags[at] & LEAVING) == 0)
        decided = base & (soon | long_ago)
        dropped = base & (left | (~soon & long_ago))
        return at, decided, dropped, np.where(left, time + np.where(left, gap, 0), time + silence)


class Count:
    """A map in the making; sums of which a portion has very many are kept as columns until the end."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._found = JourneyMap()
        self._topics, self._change_topics = _Sums(), _Sums()
        self._changes: _Array = np.zeros((3, _PLACES))  # customers, totals, squares

    def add(self, portion: Portion) -> None:
        """Count a portion."""
        if not portion.steps:
            return
        read = _Read(portion, self._question)
        _count_cells(self._found, read)
        _count_moods(self._found, read)
        at = np.flatnonzero(read.wanted & (read.topics[0] > 0))
        _count_topics(self._topics, read, at, read.cell[at])
        _count_drop_offs(self._found, read, self._question)
        _count_transitions(self._found, read)
        _count_changes(self._changes, self._change_topics, read)

    def map(self) -> JourneyMap:
        """Give the map of all that was counted."""
        found = self._found
        for key, count in self._topics.items():
            _cell(found, key >> 16).topics[key & 0xFFFF] = count
        for number in np.flatnonzero(self._changes[0]).tolist():
            customers, total, squares = self._changes[:, number].tolist()
            found.changes[_place(number)] = Change(customers=int(customers), total=total, squares=squares)
        for key, count in self._change_topics.items():
            found.change_topics.setdefault(_place(key >> 16), {})[key & 0xFFFF] = count
        return found


class _Sums:
    """Numbers by key, added up at the end."""

    def __init__(self) -> None:
        self._keys: list[_Array] = []
        self._counts: list[_Array] = []

    def add(self, keys: _Array) -> None:
        """Count each key once for each time that it is there."""
        unique, counts = np.unique(keys, return_counts=True)
        self._keys.append(unique)
        self._counts.append(counts)

    def items(self) -> Iterator[tuple[int, int]]:
        """Give each key with its number."""
        if self._keys:
            keys, inverse = np.unique(np.concatenate(self._keys), return_inverse=True)
            counts = np.bincount(inverse, weights=np.concatenate(self._counts))
            yield from zip(keys.tolist(), counts.astype(np.int64).tolist(), strict=True)


def _cell(found: JourneyMap, number: int) -> Cell:
    return found.cells.setdefault((number // _CHANNELS, number % _CHANNELS), Cell())


def _distinct(who: _Array, what: _Array, size: int) -> _Array:
    """Count the customers of each thing."""
    keys = np.sort(who * size + what)  # Many times as fast as `np.unique`, which hashes.
    first = np.ones(len(keys), bool)
    first[1:] = keys[1:] != keys[:-1]
    return np.bincount(keys[first] % size)


def _count_cells(found: JourneyMap, read: _Read) -> None:
    cell = read.cell[read.wanted]
    counts = np.bincount(cell)
    found.touchpoints += len(cell)
    for number in np.flatnonzero(counts):
        _cell(found, int(number)).touchpoints += int(counts[number])
    known = read.wanted & read.known
    customers = _distinct(read.who[known], read.cell[known], 16 * _CHANNELS)
    for number in np.flatnonzero(customers):
        _cell(found, int(number)).customers += int(customers[number])
    whose = read.who[known]
    found.customers += int(np.count_nonzero(np.diff(whose)) + 1) if len(whose) else 0


def _count_moods(found: JourneyMap, read: _Read) -> None:
    felt = read.wanted & ((read.flags & FELT) != 0)
    if not felt.any():
        return
    size = 16 * _CHANNELS
    keys, inverse = np.unique(read.who[felt] * size + read.cell[felt], return_inverse=True)
    count = np.bincount(inverse).astype(float)
    total = np.bincount(inverse, weights=read.mood[felt])
    cell = keys % size
    sums = [
        np.bincount(cell, weights=each)
        for each in (count, total, np.ones(len(keys)), count * count, total * total, count * total)
    ]
    for number in np.flatnonzero(sums[0]):
        into = _cell(found, int(number)).felt
        into.count += int(sums[0][number])
        into.total += float(sums[1][number])
        into.customers += int(sums[2][number])
        into.count_squares += float(sums[3][number])
        into.total_squares += float(sums[4][number])
        into.products += float(sums[5][number])


def _count_topics(sums: _Sums, read: _Read, at: _Array, what: _Array) -> None:
    """Count the topics of each thing."""
    for column in read.topics:
        topic = column[at].astype(np.int64)
        some = topic > 0
        if not some.any():
            return  # The first of a touchpoint's topics stand in the first columns.
        sums.add(what[some] << 16 | topic[some])


def _count_drop_offs(found: JourneyMap, read: _Read, question: Question) -> None:
    at, decided, dropped, _ = read.drop_offs(question)
    for name, which in (("decided", decided), ("dropped", dropped)):
        counts = _distinct(read.who[at][which], read.cell[at][which], 16 * _CHANNELS)
        for number in np.flatnonzero(counts):
            cell = _cell(found, int(number))
            setattr(cell, name, getattr(cell, name) + int(counts[number]))


def _count_transitions(found: JourneyMap, read: _Read) -> None:
    later = np.flatnonzero(read.known[1:] & read.wanted[1:] & (read.who[1:] == read.who[:-1])) + 1
    pair = read.kind[later - 1] * _KINDS + read.kind[later]
    counts = np.bincount(pair)
    customers = _distinct(read.who[later], pair, _KINDS * _KINDS)
    for number in np.flatnonzero(counts):
        key = int(number) // _KINDS, int(number) % _KINDS
        count, known = found.transitions.get(key, (0, 0))
        found.transitions[key] = count + int(counts[number]), known + int(customers[number])


def _count_changes(sums: _Array, topics: _Sums, read: _Read) -> None:
    at = np.flatnonzero(read.known & ((read.flags & FELT) != 0))
    same = read.who[at][1:] == read.who[at][:-1]
    change = (read.mood[at][1:] - read.mood[at][:-1])[same]
    later = at[1:][same]
    wanted = read.wanted[later]
    change, later = change[wanted], later[wanted]
    if not len(later):
        return
    place = read.cell[later] * _KINDS + read.kind[later]
    keys, inverse = np.unique(read.who[later] * _PLACES + place, return_inverse=True)
    mean = np.bincount(inverse, weights=change) / np.bincount(inverse)
    for row, weights in zip(sums, (np.ones(len(keys)), mean, mean * mean), strict=True):
        row += np.bincount(keys % _PLACES, weights=weights, minlength=_PLACES)
    falls = change < 0
    _count_topics(topics, read, later[falls], place[falls])


def _place(number: int) -> tuple[int, int, int]:
    cell, kind = divmod(number, _KINDS)
    return cell // _CHANNELS, cell % _CHANNELS, kind


def drop_offs(
    portion: Portion,
    question: Question,
    *,
    stage: int | None,
    channel: int | None,
    before: tuple[dt.datetime, uuid.UUID] | None,
    most: int,
) -> list[DropOff]:
    """Give up to `most` of a portion's latest drop-offs that come after `before` in the list."""
    if not portion.steps:
        return []
    read = _Read(portion, question)
    at, _, dropped, ends = read.drop_offs(question)
    if stage is not None:
        dropped &= read.cell[at] // _CHANNELS == stage
    if channel is not None:
        dropped &= read.cell[at] % _CHANNELS == channel
    if before is not None:
        dropped &= read.time[at] <= _micros(before[0], _LAST)
    chosen = np.flatnonzero(dropped)
    chosen = chosen[np.argsort(-read.time[at][chosen], kind="stable")]
    found: list[DropOff] = []
    for number in chosen.tolist():
        place = int(at[number])
        each = DropOff(
            customer_id=uuid.UUID(bytes=portion.path_ids[16 * int(read.who[place]) :][:16]),
            time=_time(int(read.time[place])),
            stage=int(read.cell[place]) // _CHANNELS,
            channel=int(read.cell[place]) % _CHANNELS,
            kind=int(read.kind[place]),
            left=bool(ends[number] - read.time[place] < int(question.silent_after / _MICROSECOND)),
            drop_off_time=_time(int(ends[number])),
        )
        if len(found) >= most and each.time < found[-1].time:
            break
        if before is None or each.order < before:
            found.append(each)
    return sorted(found, key=lambda each: each.order, reverse=True)[:most]
