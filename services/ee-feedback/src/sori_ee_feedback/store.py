"""Tables and queries of ee-feedback; rows never leave this file.

No row holds a time finer than the week of what it tells, a serial number, or anything that was counted up.
"""

import datetime as dt
import uuid
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sori_ee_feedback.domain import Cell, Kind, Marks, Person, PulseCell, State, Voice
from sori_kit.database import Transaction, metadata
from sori_kit.rows import Row

METADATA = metadata()

_IS_WEEK = "week ~ '^[0-9]{4}-W[0-9]{2}$'"

VOICE = sa.Table(
    "voice",
    METADATA,
    sa.Column("voice_id", sa.Uuid, primary_key=True),
    sa.Column("org_unit", sa.Text, nullable=False),
    sa.Column("week", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("classification", sa.LargeBinary),  # A serialised Classification; null while classify has not answered.
    sa.Column("receipt_hash", sa.LargeBinary, unique=True),
    sa.Column("position", sa.Double, nullable=False),
    sa.Column("released", sa.Boolean, nullable=False),
    sa.Column("shuffled", sa.Boolean, nullable=False),  # Whether its place on disk says nothing of when it came.
    sa.CheckConstraint(_IS_WEEK, name="week"),
    sa.Index("ix_voice_page", sa.desc("week"), "position", "voice_id", postgresql_where=sa.text("released")),
    sa.Index("ix_voice_withheld", "week", "org_unit", postgresql_where=sa.text("not released")),
    sa.Index("ix_voice_came", "week", "org_unit", postgresql_where=sa.text("not shuffled")),
    sa.Index(
        "ix_voice_unclassified",
        "voice_id",
        postgresql_where=sa.text("classification is null and not released"),
    ),
)
PARTICIPATION = sa.Table(  # Who took part: nothing joins it to what was said but the cell.
    "participation",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("org_unit", sa.Text, primary_key=True),
    sa.Column("week", sa.Text, primary_key=True),
    sa.Column("person_hash", sa.LargeBinary, primary_key=True),
    sa.Column("released", sa.Boolean, nullable=False),  # Whether all that this person said in the cell was released.
    sa.Column("shuffled", sa.Boolean, nullable=False),
    sa.CheckConstraint(f"kind in {tuple(map(str, Kind))}", name="kind"),
    sa.CheckConstraint(_IS_WEEK, name="week"),
    sa.Index(
        "ix_participation_waiting", "week", "org_unit", postgresql_where=sa.text("kind = 'voice' and not released")
    ),
    sa.Index("ix_participation_came", "week", "org_unit", postgresql_where=sa.text("not shuffled")),
)
PULSE = sa.Table(  # How many gave each score: no row for an answer.
    "pulse",
    METADATA,
    sa.Column("org_unit", sa.Text, primary_key=True),
    sa.Column("week", sa.Text, primary_key=True),
    sa.Column("score", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.CheckConstraint("score between 0 and 10 and n >= 0", name="score"),
)
PULSE_CELL = sa.Table(
    "pulse_cell",
    METADATA,
    sa.Column("org_unit", sa.Text, primary_key=True),
    sa.Column("week", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.CheckConstraint(f"state in {tuple(map(str, State))}", name="state"),
    sa.CheckConstraint(_IS_WEEK, name="week"),
)
CALENDAR_WEEK = sa.Table(
    "calendar_week",
    METADATA,
    sa.Column("week", sa.Text, primary_key=True),
    sa.Column("pulses_changed", sa.Boolean, nullable=False),  # Since it was last decided what to show.
    sa.Column("total_shown", sa.Boolean, nullable=False),
    sa.Column("quiet_time", sa.DateTime(timezone=True)),  # Before which an import may go on; null: none came.
    sa.CheckConstraint(_IS_WEEK, name="week"),
)
FLAG = sa.Table(  # How many flags were raised: none leads to a voice.
    "flag",
    METADATA,
    sa.Column("org_unit", sa.Text, primary_key=True),
    sa.Column("week", sa.Text, primary_key=True),
    sa.Column("n", sa.Integer, nullable=False),
)
IMPORT_REQUEST = sa.Table(
    "import_request",
    METADATA,
    sa.Column("request_id", sa.Uuid, primary_key=True),
    sa.Column("voice_count", sa.Integer, nullable=False),
    sa.Column("pulse_count", sa.Integer, nullable=False),
    sa.Column("duplicate_count", sa.Integer, nullable=False),
)

_WEEK_LOCKS = 11  # First key of the advisory locks, one a week.


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import added."""

    voice_count: int
    pulse_count: int
    duplicate_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Everything counted, over all org units and weeks."""

    released_voice_count: int
    withheld_voice_count: int
    pulse_answer_count: int
    flag_count: int


async def enter_weeks(tx: Transaction, weeks: Iterable[str]) -> None:
    """Keep what is said in these weeks from being released, shuffled or decided until the transaction ends."""
    await tx.execute(
        "select pg_advisory_xact_lock_shared(:space, key) from unnest(cast(:keys as int[])) as k (key)",
        {"space": _WEEK_LOCKS, "keys": sorted(map(_lock_key, weeks))},
    )


async def hold_week(tx: Transaction, week: str) -> None:
    """Keep everything else away from a week until the transaction ends."""
    await tx.execute("select pg_advisory_xact_lock(:space, :key)", {"space": _WEEK_LOCKS, "key": _lock_key(week)})


def _lock_key(week: str) -> int:
    return zlib.crc32(week.encode()) & 0x7FFF_FFFF


async def add_voices(tx: Transaction, voices: Sequence[Voice], *, shuffled: bool) -> None:
    """Write voices in the given order."""
    await tx.execute(
        """
        insert into voice (voice_id, org_unit, week, text, classification, receipt_hash, position, released, shuffled)
        select *, :shuffled from unnest(cast(:ids as uuid[]), cast(:units as text[]), cast(:weeks as text[]),
            cast(:texts as text[]), cast(:classifications as bytea[]), cast(:receipts as bytea[]),
            cast(:positions as float8[]), cast(:released as boolean[]))""",
        {
            "ids": [each.voice_id for each in voices],
            "units": [each.cell.org_unit for each in voices],
            "weeks": [each.cell.week for each in voices],
            "texts": [each.text for each in voices],
            "classifications": [each.classification for each in voices],
            "receipts": [each.receipt_hash for each in voices],
            "positions": [each.position for each in voices],
            "released": [each.released for each in voices],
            "shuffled": shuffled,
        },
    )


async def take_withheld(tx: Transaction, cell: Cell) -> list[Voice]:
    """Take the voices of a cell that are not released out of the table; the caller puts them back."""
    rows = await tx.execute(
        "delete from voice where org_unit = :unit and week = :week and not released"
        " returning voice_id, org_unit, week, text, classification, receipt_hash, position, released",
        _of(cell),
    )
    return [_voice(row) for row in rows]


async def add_author(tx: Transaction, author: Person, *, receipt_hash: bytes) -> None:
    """Write that a person has said something in a cell, as released as what they said has become meanwhile."""
    await tx.execute(
        "insert into participation (kind, org_unit, week, person_hash, released, shuffled)"
        " select :kind, :unit, :week, :person, voice.released, false from voice where receipt_hash = :receipt"
        " on conflict (kind, org_unit, week, person_hash)"
        " do update set released = participation.released and excluded.released, shuffled = false",
        {**_of(author.cell), "kind": author.kind, "person": author.person_hash, "receipt": receipt_hash},
    )


async def add_authors(tx: Transaction, authors: Collection[Person]) -> None:
    """Write that people have said something that this transaction adds."""
    await tx.execute(
        _ADD_PEOPLE
        + " on conflict (kind, org_unit, week, person_hash) do update set released = false, shuffled = false",
        _people(authors),
    )


async def add_respondents(tx: Transaction, people: Collection[Person]) -> set[Person]:
    """Write that people have answered a pulse; gives those who had not before."""
    rows = await tx.execute(
        _ADD_PEOPLE + " on conflict do nothing returning kind, org_unit, week, person_hash", _people(people)
    )
    return {Person(Kind(row.kind), Cell(row.org_unit, row.week), bytes(row.person_hash)) for row in rows}


_ADD_PEOPLE = """
    insert into participation (kind, org_unit, week, person_hash, released, shuffled)
    select *, false, false from unnest(cast(:kinds as text[]), cast(:units as text[]), cast(:weeks as text[]),
        cast(:hashes as bytea[]))"""


def _people(people: Collection[Person]) -> dict[str, list[object]]:
    ordered = sorted(people, key=lambda each: (each.kind, each.cell, each.person_hash))  # The same for all writers.
    return {
        "kinds": [each.kind.value for each in ordered],
        "units": [each.cell.org_unit for each in ordered],
        "weeks": [each.cell.week for each in ordered],
        "hashes": [each.person_hash for each in ordered],
    }


async def add_scores(tx: Transaction, scores: Sequence[tuple[Cell, int]]) -> None:
    """Count pulse answers.

    All eleven counters of a cell are written for every answer, so that no row version tells which score it was.
    """
    counts: dict[Cell, Counter[int]] = defaultdict(Counter)
    for cell, score in scores:
        counts[cell][score] += 1
    rows = [(cell, score, counts[cell][score]) for cell in sorted(counts) for score in range(11)]
    await tx.execute(
        "insert into pulse (org_unit, week, score, n) select * from unnest(cast(:units as text[]),"
        " cast(:weeks as text[]), cast(:scores as smallint[]), cast(:counts as int[]))"
        " on conflict (org_unit, week, score) do update set n = pulse.n + excluded.n",
        {
            "units": [cell.org_unit for cell, _, _ in rows],
            "weeks": [cell.week for cell, _, _ in rows],
            "scores": [score for _, score, _ in rows],
            "counts": [count for _, _, count in rows],
        },
    )
    await tx.execute(
        "insert into pulse_cell (org_unit, week, state) select *, 'open' from unnest(cast(:units as text[]),"
        " cast(:weeks as text[])) on conflict do nothing",
        {"units": [cell.org_unit for cell in sorted(counts)], "weeks": [cell.week for cell in sorted(counts)]},
    )
    weeks = {"weeks": sorted({cell.week for cell in counts})}
    await tx.execute(
        "insert into calendar_week (week, pulses_changed, total_shown) select *, true, false"
        " from unnest(cast(:weeks as text[])) on conflict do nothing",
        weeks,
    )
    await tx.execute(  # Almost always nothing: answers of one week must not wait for each other.
        "update calendar_week set pulses_changed = true"
        " where week = any(cast(:weeks as text[])) and not pulses_changed",
        weeks,
    )


async def closed(tx: Transaction, cells: Collection[Cell]) -> list[Cell]:
    """Name those of the cells whose pulse was shown or sealed: they take no more answers."""
    rows = await tx.execute(
        "select org_unit, week from pulse_cell join unnest(cast(:units as text[]), cast(:weeks as text[])) as c (u, w)"
        " on org_unit = u and week = w where state <> 'open' order by org_unit, week",
        {"units": [cell.org_unit for cell in cells], "weeks": [cell.week for cell in cells]},
    )
    return [Cell(row.org_unit, row.week) for row in rows]


async def disturb(tx: Transaction, weeks: Collection[str], until: dt.datetime) -> None:
    """Put off what is released of these weeks: more of the same import may follow."""
    await tx.execute(
        "insert into calendar_week (week, pulses_changed, total_shown, quiet_time) select *, false, false, :until"
        " from unnest(cast(:weeks as text[])) on conflict (week)"
        " do update set quiet_time = greatest(calendar_week.quiet_time, excluded.quiet_time)",
        {"weeks": sorted(weeks), "until": until},
    )


async def add_flags(tx: Transaction, cells: Collection[Cell]) -> None:
    """Count flags."""
    counts = sorted(Counter(cells).items())
    await tx.execute(
        "insert into flag (org_unit, week, n) select * from unnest(cast(:units as text[]), cast(:weeks as text[]),"
        " cast(:counts as int[])) on conflict (org_unit, week) do update set n = flag.n + excluded.n",
        {
            "units": [cell.org_unit for cell, _ in counts],
            "weeks": [cell.week for cell, _ in counts],
            "counts": [count for _, count in counts],
        },
    )


async def imported(tx: Transaction, request_id: uuid.UUID) -> Imported | None:
    """Give what a request added, or None when it was not handled yet."""
    row = (
        await tx.execute(
            "select voice_count, pulse_count, duplicate_count from import_request where request_id = :id",
            {"id": request_id},
        )
    ).one_or_none()
    return row and Imported(
        voice_count=row.voice_count, pulse_count=row.pulse_count, duplicate_count=row.duplicate_count
    )


async def imported_before(tx: Transaction, request_id: uuid.UUID) -> Imported:
    """Give what a request added that another transaction has handled."""
    known = await imported(tx, request_id)
    if known is None:
        raise LookupError("an import that was claimed is not there")
    return known


async def begin_import(tx: Transaction, request_id: uuid.UUID) -> bool:
    """Claim a request; False when another transaction has handled it."""
    rows = await tx.execute(
        "insert into import_request (request_id, voice_count, pulse_count, duplicate_count) values (:id, 0, 0, 0)"
        " on conflict do nothing returning request_id",
        {"id": request_id},
    )
    return rows.one_or_none() is not None


async def end_import(tx: Transaction, request_id: uuid.UUID, added: Imported) -> None:
    """Write what a claimed request added."""
    await tx.execute(
        "update import_request set voice_count = :voices, pulse_count = :pulses, duplicate_count = :duplicates"
        " where request_id = :id",
        {
            "id": request_id,
            "voices": added.voice_count,
            "pulses": added.pulse_count,
            "duplicates": added.duplicate_count,
        },
    )


async def ripe_voices(tx: Transaction, *, before: str, k: int, now: dt.datetime | None) -> list[Cell]:
    """Name the cells that have k people waiting, of weeks before `before` that are quiet at `now` (None: or not)."""
    rows = await tx.execute(
        "select org_unit, week from participation left join calendar_week using (week)"
        " where kind = 'voice' and not released and week < :before"
        " and (cast(:now as timestamptz) is null or quiet_time is null or quiet_time <= :now)"
        " group by org_unit, week having count(*) >= :k",
        {"before": before, "k": k, "now": now},
    )
    return [Cell(row.org_unit, row.week) for row in rows]


async def waiting_authors(tx: Transaction, cell: Cell) -> int:
    """Count the distinct people behind the voices of a cell that are not released."""
    rows = await tx.execute(
        "select count(*) from participation where kind = 'voice' and not released"
        " and org_unit = :unit and week = :week",
        _of(cell),
    )
    return int(rows.scalar_one())


async def shuffle_people(tx: Transaction, cell: Cell, *, release: bool) -> None:
    """Write the people of a cell anew, in an order that their hashes alone give; `release` marks the authors."""
    await tx.execute(
        "with taken as (delete from participation where org_unit = :unit and week = :week"
        " returning kind, person_hash, released)"
        " insert into participation (kind, org_unit, week, person_hash, released, shuffled)"
        " select kind, :unit, :week, person_hash, released or (:release and kind = 'voice'), true from taken"
        " order by person_hash",
        {**_of(cell), "release": release},
    )


async def unshuffled(tx: Transaction) -> list[Cell]:
    """Name the cells into which something came since they were last written anew."""
    rows = await tx.execute(
        "select org_unit, week from voice where not shuffled"
        " union select org_unit, week from participation where not shuffled order by week, org_unit"
    )
    return [Cell(row.org_unit, row.week) for row in rows]


async def unclassified(tx: Transaction, *, most: int) -> list[Voice]:
    """Give some of the withheld voices that classify has not answered for."""
    rows = await tx.execute(
        "select voice_id, org_unit, week, text, classification, receipt_hash, position, released from voice"
        " where classification is null and not released limit :most",
        {"most": most},
    )
    return [_voice(row) for row in rows]


async def classify(tx: Transaction, classifications: Mapping[uuid.UUID, bytes]) -> set[uuid.UUID]:
    """Write what classify said; gives the voices that are still there and had no classification."""
    rows = await tx.execute(
        "update voice set classification = given.classification, shuffled = false"
        " from unnest(cast(:ids as uuid[]), cast(:classifications as bytea[])) as given (id, classification)"
        " where voice_id = id and voice.classification is null and not released returning voice_id",
        {"ids": list(classifications), "classifications": list(classifications.values())},
    )
    return set(rows.scalars())


async def page(tx: Transaction, org_unit: str, *, after: tuple[str, float, uuid.UUID] | None, most: int) -> list[Voice]:
    """Give up to `most` released voices, newest week first, then by position; `org_unit` empty means all."""
    columns = VOICE.c
    query = sa.select(VOICE).where(columns.released)
    if org_unit:
        query = query.where(columns.org_unit == org_unit)
    if after is not None:
        week, *place = after
        query = query.where(columns.week <= week).where(
            sa.or_(
                columns.week < week,
                sa.tuple_(columns.position, columns.voice_id) > sa.tuple_(*map(sa.literal, place)),
            )
        )
    rows = await tx.execute(query.order_by(columns.week.desc(), columns.position, columns.voice_id).limit(most))
    return [_voice(row) for row in rows]


async def changed_weeks(tx: Transaction, *, before: str, now: dt.datetime | None) -> dict[str, bool]:
    """Give the weeks before `before`, quiet at `now` (None: or not), whose pulses changed; and if a total is shown."""
    rows = await tx.execute(
        "select week, total_shown from calendar_week where pulses_changed and week < :before"
        " and (cast(:now as timestamptz) is null or quiet_time is null or quiet_time <= :now) order by week",
        {"before": before, "now": now},
    )
    return {row.week: row.total_shown for row in rows}


async def pulse_cells(tx: Transaction, *, weeks: Collection[str]) -> dict[str, list[PulseCell]]:
    """Give the answers of whole weeks, by week."""
    found: dict[str, list[PulseCell]] = {week: [] for week in weeks}
    rows = await tx.execute(_PULSE_CELLS.format("week = any(cast(:weeks as text[]))"), {"weeks": list(weeks)})
    for row in rows:
        found[row.week].append(_pulse_cell(row))
    return found


async def pulse_history(tx: Transaction, org_unit: str, *, before: str) -> list[PulseCell]:
    """Give the answers of all weeks before `before`; `org_unit` empty means all."""
    rows = await tx.execute(
        _PULSE_CELLS.format("week < :before and (:unit = '' or org_unit = :unit)"),
        {"before": before, "unit": org_unit},
    )
    return [_pulse_cell(row) for row in rows]


_PULSE_CELLS = """
    select org_unit, week, state, sum(n) as respondents, sum(n) filter (where score >= 9) as promoters,
        sum(n) filter (where score <= 6) as detractors
    from pulse join pulse_cell using (org_unit, week) where {} group by org_unit, week, state order by org_unit, week"""


async def weeks_with_total(tx: Transaction) -> set[str]:
    """Name the weeks whose total is shown."""
    return set((await tx.execute("select week from calendar_week where total_shown")).scalars())


async def total_shown(tx: Transaction, week: str) -> bool:
    """Say whether the total of a week is shown."""
    rows = await tx.execute("select total_shown from calendar_week where week = :week", {"week": week})
    return bool(rows.scalar_one())


async def settle(tx: Transaction, week: str, states: Mapping[Cell, State], *, total: bool) -> None:
    """Write what was decided of a week's pulses."""
    if states:
        await tx.execute(
            "update pulse_cell set state = s from unnest(cast(:units as text[]), cast(:states as text[])) as d (u, s)"
            " where org_unit = u and week = :week",
            {
                "week": week,
                "units": [cell.org_unit for cell in states],
                "states": [state.value for state in states.values()],
            },
        )
    await tx.execute(
        "update calendar_week set pulses_changed = false, total_shown = :total where week = :week",
        {"week": week, "total": total},
    )


async def tally(tx: Transaction) -> Tally:
    """Count everything."""
    row = (
        await tx.execute(
            "select (select count(*) from voice where released) as released,"
            " (select count(*) from voice where not released) as withheld,"
            " (select coalesce(sum(n), 0) from pulse) as answers, (select coalesce(sum(n), 0) from flag) as flags"
        )
    ).one()
    return Tally(
        released_voice_count=row.released,
        withheld_voice_count=row.withheld,
        pulse_answer_count=int(row.answers),
        flag_count=int(row.flags),
    )


def _of(cell: Cell) -> dict[str, str]:
    return {"unit": cell.org_unit, "week": cell.week}


def _voice(row: Row) -> Voice:
    return Voice(
        voice_id=row.voice_id,
        cell=Cell(row.org_unit, row.week),
        text=row.text,
        classification=row.classification,
        receipt_hash=row.receipt_hash,
        position=row.position,
        released=row.released,
    )


def _pulse_cell(row: Row) -> PulseCell:
    marks = Marks(respondents=int(row.respondents), promoters=int(row.promoters), detractors=int(row.detractors))
    return PulseCell(Cell(row.org_unit, row.week), State(row.state), marks)
