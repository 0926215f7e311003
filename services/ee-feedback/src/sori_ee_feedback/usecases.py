"""One function per thing that ee-feedback can be asked to do."""

import asyncio
import datetime as dt
import random
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog
from google.protobuf.message import Message

from sori.classify.v1.classification_pb2 import Classification
from sori_ee_feedback import domain, store, wire
from sori_ee_feedback.domain import Cell, Kind, State
from sori_ee_feedback.model import Classifier
from sori_kit import ids, outbox
from sori_kit.clock import Clock
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Event
from sori_kit.errors import Conflict, Unavailable

log = structlog.get_logger()

SOURCE = "sori/ee-feedback"
_MOST_AGAIN = 200  # voices that one question to classify catches up on
_MOST_NAMED = 5  # cells named in one refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """By what voices and pulses are kept apart from people."""

    secret: bytes  # Key of the hashes of people.
    zone: ZoneInfo  # Where a week begins.
    k_comments: int
    k_scores: int
    settle: dt.timedelta  # How long a week rests after an import.


async def submit_voice(
    db: Database,
    classifier: Classifier,
    rules: Rules,
    *,
    subject: str,
    org_unit: str,
    text: str,
    now: dt.datetime,
    rng: random.Random,
) -> str:
    """Keep a voice, and apart from it that its author took part; gives the receipt, which is kept nowhere.

    The voice goes first: should this process die in between, the crowd is counted too small, never too large.
    """
    cell = Cell(org_unit, domain.week_of(now, rules.zone))
    receipt = secrets.token_urlsafe(32)
    [classification] = await classifier.classify([text])
    voice = domain.Voice(
        voice_id=domain.draw_id(rng),
        cell=cell,
        text=text,
        classification=classification and classification.SerializeToString(),
        receipt_hash=domain.hash_receipt(receipt),
        position=rng.random(),
    )
    async with db.transaction() as tx:
        await store.enter_weeks(tx, [cell.week])
        await store.add_voices(tx, [voice], shuffled=False)
        await _raise_flags(tx, [(cell, classification)], rules, rng)
    async with db.transaction() as tx:
        await store.enter_weeks(tx, [cell.week])
        author = domain.recognise(rules.secret, Kind.VOICE, cell, subject)
        await store.add_author(tx, author, receipt_hash=domain.hash_receipt(receipt))
    return receipt


async def submit_pulse(
    db: Database, rules: Rules, *, subject: str, org_unit: str, score: int, now: dt.datetime
) -> None:
    """Count a mark; the second one of a person in one org unit and week is a Conflict."""
    cell = Cell(org_unit, domain.week_of(now, rules.zone))
    async with db.transaction() as tx:
        await store.enter_weeks(tx, [cell.week])
        if not await store.add_respondents(tx, [domain.recognise(rules.secret, Kind.PULSE, cell, subject)]):
            raise Conflict("this week's question was answered before")
        await _refuse_closed(tx, {cell})
        await store.add_scores(tx, [(cell, score)])


async def import_responses(
    db: Database,
    classifier: Classifier,
    rules: Rules,
    *,
    request_id: uuid.UUID,
    responses: Sequence[domain.Response],
    now: dt.datetime,
    rng: random.Random,
) -> store.Imported:
    """Take in what another tool collected, all or nothing; a request that was handled before adds nothing."""
    async with db.transaction() as tx:
        if known := await store.imported(tx, request_id):
            return known
    spoken = [each for each in responses if each.text]
    classifications = await classifier.classify([each.text for each in spoken])
    voices = [
        domain.Voice(
            voice_id=domain.draw_id(rng),
            cell=each.cell,
            text=each.text,
            classification=classification and classification.SerializeToString(),
            receipt_hash=None,
            position=rng.random(),
        )
        for each, classification in zip(spoken, classifications, strict=True)
    ]
    authors = {domain.recognise(rules.secret, Kind.VOICE, each.cell, each.respondent_key) for each in spoken}
    answers: dict[domain.Person, int] = {}
    repeated = 0
    for each in responses:
        if each.score is not None:
            person = domain.recognise(rules.secret, Kind.PULSE, each.cell, each.respondent_key)
            repeated += person in answers
            answers.setdefault(person, each.score)
    weeks = {each.cell.week for each in responses}
    async with db.transaction() as tx:
        if not await store.begin_import(tx, request_id):
            return await store.imported_before(tx, request_id)
        await store.enter_weeks(tx, weeks)
        fresh = await store.add_respondents(tx, answers)
        await _refuse_closed(tx, {person.cell for person in fresh})
        await store.add_scores(tx, [(person.cell, answers[person]) for person in fresh])
        await store.add_voices(tx, domain.reissue(voices, rng, released=False), shuffled=False)
        await store.add_authors(tx, authors)
        flagged = list(zip((each.cell for each in spoken), classifications, strict=True))
        await _raise_flags(tx, flagged, rules, rng)
        await store.disturb(tx, weeks, now + rules.settle)
        added = store.Imported(
            voice_count=len(voices),
            pulse_count=len(fresh),
            duplicate_count=repeated + len(answers) - len(fresh),
        )
        await store.end_import(tx, request_id, added)
    return added


async def get_pulse(db: Database, rules: Rules, org_unit: str, *, now: dt.datetime) -> list[domain.Result]:
    """Say what may be said of the pulses of ended weeks; totals only where all org units are asked for."""
    async with db.transaction() as tx:
        cells = await store.pulse_history(tx, org_unit, before=domain.week_of(now, rules.zone))
        weeks = set() if org_unit else await store.weeks_with_total(tx)
    return domain.results(cells, weeks)


async def list_released_voices(
    db: Database, org_unit: str, *, after: tuple[str, float, uuid.UUID] | None, most: int
) -> list[domain.Voice]:
    """Give up to `most` released voices after a place in the list."""
    async with db.transaction() as tx:
        return await store.page(tx, org_unit, after=after, most=most)


async def get_tally(db: Database, rules: Rules, *, now: dt.datetime) -> tuple[store.Tally, int]:
    """Count everything, and the groups that could be released and are not yet."""
    current = domain.week_of(now, rules.zone)
    async with db.transaction() as tx:
        counted = await store.tally(tx)
        ripe = await store.ripe_voices(tx, before=current, k=rules.k_comments, now=None)
        weeks = await store.changed_weeks(tx, before=current, now=None)
        cells = await store.pulse_cells(tx, weeks=weeks)
    pending = len(ripe)
    for week, total in weeks.items():
        decision = domain.decide(cells[week], total_shown=total, k=rules.k_scores)
        pending += len(decision.shown) + (decision.total_shown and not total)
    return counted, pending


async def release(db: Database, rules: Rules, *, now: dt.datetime, rng: random.Random) -> None:
    """Release every group of an ended, quiet week that is large enough by now."""
    current = domain.week_of(now, rules.zone)
    async with db.transaction() as tx:
        cells = await store.ripe_voices(tx, before=current, k=rules.k_comments, now=now)
        weeks = await store.changed_weeks(tx, before=current, now=now)
    for cell in cells:
        await _release_voices(db, rules, cell, rng)
    for week in weeks:
        await _release_pulses(db, rules, week)


async def _release_voices(db: Database, rules: Rules, cell: Cell, rng: random.Random) -> None:
    async with db.transaction() as tx:
        await store.hold_week(tx, cell.week)
        if await store.waiting_authors(tx, cell) < rules.k_comments:  # Another replica was faster.
            return
        voices = domain.reissue(await store.take_withheld(tx, cell), rng, released=True)
        await store.add_voices(tx, voices, shuffled=True)
        await store.shuffle_people(tx, cell, release=True)
        announced: list[Event[Message]] = [
            Event.new(
                wire.voice_released(voice),
                entity_id=str(voice.voice_id),
                time=domain.start_of(cell.week, rules.zone),
                event_id=str(domain.draw_id(rng)),
            )
            for voice in voices
        ]
        await outbox.stage(tx, announced, source=SOURCE)
    log.info("voices.released", week=cell.week, count=len(voices))


async def _release_pulses(db: Database, rules: Rules, week: str) -> None:
    async with db.transaction() as tx:
        await store.hold_week(tx, week)
        cells = (await store.pulse_cells(tx, weeks=[week]))[week]
        total = await store.total_shown(tx, week)
        decision = domain.decide(cells, total_shown=total, k=rules.k_scores)
        states = {each.cell: State.SHOWN for each in decision.shown} | {
            each.cell: State.SEALED for each in decision.sealed
        }
        await store.settle(tx, week, states, total=decision.total_shown)
        announced: list[Event[Message]] = [
            Event.new(
                wire.pulse_released(domain.Result(each.cell, each.marks)),
                entity_id=f"{each.cell.org_unit}/{week}",
                time=domain.start_of(week, rules.zone),
                event_id=str(ids.derive("pulse", each.cell.org_unit, week)),
            )
            for each in decision.shown
        ]
        await outbox.stage(tx, announced, source=SOURCE)
    log.info("pulses.decided", week=week, shown=len(decision.shown))


async def shuffle(db: Database, rng: random.Random) -> None:
    """Write every group into which something came anew, so that its place on disk no longer says when or with what."""
    async with db.transaction() as tx:
        cells = await store.unshuffled(tx)
    for cell in cells:
        async with db.transaction() as tx:
            await store.hold_week(tx, cell.week)
            voices = await store.take_withheld(tx, cell)
            await store.add_voices(tx, domain.reissue(voices, rng, released=False), shuffled=True)
            await store.shuffle_people(tx, cell, release=False)


async def classify_again(db: Database, classifier: Classifier, rules: Rules, rng: random.Random) -> bool:
    """Ask again for the voices that classify has not answered for; False when it still does not answer."""
    while True:
        async with db.transaction() as tx:
            voices = await store.unclassified(tx, most=_MOST_AGAIN)
        if not voices:
            return True
        answers = await classifier.classify([voice.text for voice in voices])
        found = {voice.voice_id: (voice.cell, answer) for voice, answer in zip(voices, answers, strict=True) if answer}
        if not found:
            return False
        async with db.transaction() as tx:
            written = await store.classify(
                tx, {each: answer.SerializeToString() for each, (_, answer) in found.items()}
            )
            await _raise_flags(tx, [found[each] for each in written], rules, rng)


async def keep_releasing(
    db: Database,
    classifier: Classifier,
    rules: Rules,
    clock: Clock,
    rng: random.Random,
    *,
    release_seconds: float,
    shuffle_seconds: float,
    retry_seconds: float,
) -> None:
    """Catch up, shuffle and release until cancelled; a lost database is waited for."""
    ask_at = shuffle_at = time.monotonic()
    while True:
        try:
            if time.monotonic() >= ask_at and not await classify_again(db, classifier, rules, rng):
                ask_at = time.monotonic() + retry_seconds
            await release(db, rules, now=clock.now(), rng=rng)
            if time.monotonic() >= shuffle_at:
                shuffle_at = time.monotonic() + shuffle_seconds
                await shuffle(db, rng)
        except Unavailable:
            log.warning("release.waiting")
        await asyncio.sleep(release_seconds)


async def _refuse_closed(tx: Transaction, cells: set[Cell]) -> None:
    closed = await store.closed(tx, cells)
    if closed:
        named = ", ".join(f"{cell.org_unit} in {cell.week}" for cell in closed[:_MOST_NAMED])
        raise Conflict(f"the pulse takes no more answers once its result is settled: {named}; {len(closed)} in all")


async def _raise_flags(
    tx: Transaction, said: Sequence[tuple[Cell, Classification | None]], rules: Rules, rng: random.Random
) -> None:
    """Announce what somebody must look at, with nothing that leads to a voice."""
    flags = [
        (cell, reasons)
        for cell, classification in said
        if classification is not None and (reasons := wire.flag_reasons(classification))
    ]
    rng.shuffle(flags)
    if not flags:
        return
    await store.add_flags(tx, [cell for cell, _ in flags])
    announced: list[Event[Message]] = []
    for cell, reasons in flags:
        flag_id = str(domain.draw_id(rng))
        announced.append(
            Event.new(
                wire.voice_flagged(flag_id, cell, reasons),
                entity_id=flag_id,
                event_id=flag_id,
                time=domain.start_of(cell.week, rules.zone),
            )
        )
    await outbox.stage(tx, announced, source=SOURCE)
