"""Keeping paths, stages, segments and risks as timelines say."""

import asyncio
import datetime as dt
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from google.protobuf.message import Message

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori_journey import domain, wire
from sori_journey.domain import risk, segments
from sori_journey.model.risk import RiskModel
from sori_journey.store import paths
from sori_journey.store import segments as membership
from sori_journey.usecases.graph import SOURCE
from sori_kit import ids, outbox
from sori_kit.bus import Batch
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Event
from sori_kit.errors import NotFound

log = structlog.get_logger()

_PAGE = 200  # customers looked at in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """By what customers are judged."""

    stages: domain.StageRules
    segments: Sequence[domain.SegmentRule]
    model: RiskModel

    def segment(self, name: str) -> domain.SegmentRule:
        """Give a segment by name."""
        for each in self.segments:
            if each.name == name:
                return each
        raise NotFound(f"segment {name!r} is none of the rules'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a replay is."""

    done: int
    total: int
    changed: int


async def correct(db: Database, batch: Batch[ClassificationCorrected]) -> None:
    """Keep what people said of classifications; the touchpoints may not have arrived yet."""
    async with db.handling(batch) as (tx, fresh):
        if len(fresh):
            said = [wire.correction(event.message) for event in fresh]
            await paths.add_corrections(tx, said)
            await paths.touch(tx, [touchpoint_id for _, touchpoint_id, _, _ in said])


async def follow(db: Database, rulebook: Rulebook, *, now: dt.datetime) -> bool:
    """Make the paths anew whose timelines changed; says whether more are waiting."""
    async with db.transaction() as tx:
        await tx.lock(paths.LOCK)
        touched = await paths.take(tx, most=_PAGE)
        if touched:
            await _make(tx, touched, rulebook, now=now)
    return bool(touched)


async def replay_stages(db: Database, rulebook: Rulebook, *, now: dt.datetime) -> AsyncIterator[Progress]:
    """Make all paths anew by the rules as they are now, a page at a time."""
    async with db.transaction() as tx:
        total = await paths.count(tx)
    done = changed = 0
    after: uuid.UUID | None = None
    yield Progress(done=0, total=total, changed=0)
    while True:
        async with db.transaction() as tx:
            await tx.lock(paths.LOCK)
            page = await paths.page(tx, after=after, most=_PAGE, known=False)
            if page:
                changed += await _make(tx, [each.path_id for each in page], rulebook, now=now)
        if not page:
            return
        done, after = done + len(page), page[-1].path_id
        yield Progress(done=done, total=max(total, done), changed=changed)


async def sweep(db: Database, rulebook: Rulebook, *, now: dt.datetime, share: float = 1.0) -> int:
    """Judge every customer again, since time passes and so do the fifths; gives how many there are.

    It works for `share` of the time and rests for the others of it: the line goes first.
    """
    async with db.transaction() as tx:
        await tx.lock(paths.LOCK)
        await membership.set_bounds(tx)
    while await _drop_segments(db, rulebook, now=now):
        pass
    count, after = 0, None
    while True:
        began = time.monotonic()
        async with db.transaction() as tx:
            await tx.lock(paths.LOCK)
            page = await paths.page(tx, after=after, most=_PAGE)
            if page:
                texts = await paths.texts(tx, wire.numbers_of([each.steps for each in page]))
                steps = {each.path_id: wire.unpack(each.steps, texts) for each in page}
                judged = await _judge(tx, _aged(page, steps, rulebook, now=now), steps, rulebook, now=now)
                await paths.save(tx, judged)
        if not page:
            log.info("customers.swept", count=count)
            return count
        count, after = count + len(page), page[-1].path_id
        await asyncio.sleep((time.monotonic() - began) * (1 / share - 1))


def _aged(
    page: Sequence[domain.Path],
    steps: Mapping[uuid.UUID, Sequence[domain.Step]],
    rulebook: Rulebook,
    *,
    now: dt.datetime,
) -> list[domain.Path]:
    """Let customers fall back where they have been silent since they were last looked at."""
    found = []
    for each in page:
        # Steps as they are kept name no touchpoints; their order stands for them.
        numbered = [replace(one, touchpoint_id=uuid.UUID(int=n)) for n, one in enumerate(steps[each.path_id])]
        current = domain.fold(numbered, rulebook.stages, now=now).current
        summary = replace(
            each.summary,
            stage=current.stage if current else None,
            stage_time=current.entry_time if current else None,
        )
        found.append(replace(each, summary=summary))
    return found


async def _drop_segments(db: Database, rulebook: Rulebook, *, now: dt.datetime) -> bool:
    """Let everybody out of segments that no rule names any more; says whether more may be waiting."""
    async with db.transaction() as tx:
        await tx.lock(paths.LOCK)
        left = await membership.members_beyond(tx, [each.name for each in rulebook.segments], most=_PAGE)
        await membership.leave(tx, left)
        await outbox.stage(tx, _announce((), left, now=now), source=SOURCE)
    return len(left) == _PAGE


async def _make(tx: Transaction, path_ids: Sequence[uuid.UUID], rulebook: Rulebook, *, now: dt.datetime) -> int:
    """Make paths from their timelines; gives how many touchpoints speak of another stage than before."""
    told: dict[uuid.UUID, list[tuple[paths.Told, domain.Step]]] = defaultdict(list)
    retold: dict[uuid.UUID, paths.Retold] = {}
    for each in await paths.read(tx, path_ids):
        entry = wire.read_entry(each.entry)
        if each.corrections and wire.correct(entry.classification, each.corrections):
            retold[each.touchpoint_id] = paths.Retold(
                touchpoint_id=each.touchpoint_id,
                revision=each.revision,
                stage=domain.Stage(each.stage) if each.stage else None,
                sentiment=wire.sentiment(entry.classification),
                entry=entry.SerializeToString(),
            )
        told[each.path_id].append((each, wire.step(entry)))
    courses = {
        path_id: domain.fold([step for _, step in mine], rulebook.stages, now=now) for path_id, mine in told.items()
    }
    changed = _restaged(told, courses, retold)
    await paths.retell(tx, list(retold.values()))
    numbers = await paths.number(tx, wire.step_words(step for mine in told.values() for _, step in mine))
    made = [
        domain.Path(
            path_id=path_id,
            known=told[path_id][0][0].known,
            steps=wire.pack(course, numbers, rulebook.stages.drop_off_kinds),
            step_count=len(course.steps),
            summary=domain.summarise(course),
        )
        for path_id, course in courses.items()
    ]
    steps = {path_id: course.steps for path_id, course in courses.items()}
    known = await _judge(tx, [each for each in made if each.known], steps, rulebook, now=now)
    await paths.save(tx, [*known, *(each for each in made if not each.known)])
    gone = set(path_ids) - courses.keys()
    if gone:
        await paths.remove(tx, gone)
        await _let_go(tx, gone, now=now)
    return changed


def _restaged(
    told: Mapping[uuid.UUID, Sequence[tuple[paths.Told, domain.Step]]],
    courses: Mapping[uuid.UUID, domain.Course],
    retold: dict[uuid.UUID, paths.Retold],
) -> int:
    """Note the touchpoints that speak of another stage than is written."""
    changed = 0
    for path_id, mine in told.items():
        course = courses[path_id]
        stages = {step.touchpoint_id: stage for step, stage in zip(course.steps, course.stages, strict=True)}
        for each, _ in mine:
            stage = stages[each.touchpoint_id]
            if stage == each.stage:
                continue
            changed += 1
            known = retold.get(each.touchpoint_id)
            retold[each.touchpoint_id] = paths.Retold(
                touchpoint_id=each.touchpoint_id,
                revision=each.revision,
                stage=stage,
                sentiment=known.sentiment if known else each.sentiment,
                entry=known.entry if known else each.entry,
            )
    return changed


async def _judge(
    tx: Transaction,
    customers: Sequence[domain.Path],
    steps: Mapping[uuid.UUID, Sequence[domain.Step]],
    rulebook: Rulebook,
    *,
    now: dt.datetime,
) -> list[domain.Path]:
    """Score customers, and put them into the segments where they belong now."""
    described = {
        each.path_id: row for each in customers if (row := risk.features(steps[each.path_id], now)) is not None
    }
    scores = dict(zip(described, rulebook.model.score(list(described.values())), strict=True))
    judged = []
    for each in customers:
        found = scores.get(each.path_id)
        judged.append(
            replace(
                each,
                churn_risk=found[risk.RiskKind.CHURN].score if found else None,
                complaint_risk=found[risk.RiskKind.COMPLAINT].score if found else None,
                scored_time=now if found else None,
            )
        )
    bounds = await membership.bounds(tx)
    before = await membership.memberships(tx, [each.path_id for each in judged])
    entered: list[tuple[uuid.UUID, str]] = []
    left: list[tuple[uuid.UUID, str]] = []
    for each in judged:
        facts = describe(each, steps[each.path_id], bounds, now=now)
        belongs = {rule.name for rule in rulebook.segments if rule.holds(facts)}
        known = before.get(each.path_id, set())
        entered += [(each.path_id, name) for name in sorted(belongs - known)]
        left += [(each.path_id, name) for name in sorted(known - belongs)]
    await membership.enter(tx, entered, now=now)
    await membership.leave(tx, left)
    await outbox.stage(tx, _announce(entered, left, now=now), source=SOURCE)
    return judged


def describe(
    path: domain.Path, steps: Sequence[domain.Step], bounds: domain.Bounds, *, now: dt.datetime
) -> dict[str, object]:
    """Give what conditions may ask for."""
    return segments.facts(
        path.summary, steps, bounds, churn_risk=path.churn_risk, complaint_risk=path.complaint_risk, now=now
    )


async def _let_go(tx: Transaction, gone: Iterable[uuid.UUID], *, now: dt.datetime) -> None:
    """Take those out of their segments of whom nothing is left; of the erased, not a word is said."""
    left = [(one, name) for one, names in (await membership.memberships(tx, list(gone))).items() for name in names]
    await membership.leave(tx, left)
    named = await paths.exist(tx, [one for one, _ in left])
    await outbox.stage(tx, _announce((), [each for each in left if each[0] in named], now=now), source=SOURCE)


def _announce(
    entered: Iterable[tuple[uuid.UUID, str]], left: Iterable[tuple[uuid.UUID, str]], *, now: dt.datetime
) -> list[Event[Message]]:
    moment = now.isoformat()
    found: list[Event[Message]] = [
        Event.new(
            wire.segment_entered(customer_id, name, now),
            event_id=ids.derived("segment_entered", str(customer_id), name, moment),
            entity_id=str(customer_id),
            time=now,
        )
        for customer_id, name in entered
    ]
    found += [
        Event.new(
            wire.segment_left(customer_id, name, now),
            event_id=ids.derived("segment_left", str(customer_id), name, moment),
            entity_id=str(customer_id),
            time=now,
        )
        for customer_id, name in left
    ]
    return found
