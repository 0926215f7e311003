"""Tables of notify."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sori_kit.database import metadata
from sori_notify.domain import (
    ActKind,
    Actor,
    AlertState,
    CaseState,
    Channel,
    ClockState,
    DeadlineState,
    Kind,
    Metric,
    Origin,
    Severity,
)

METADATA = metadata()
Row = Mapping[Any, Any]  # A row of a table, by column.
Word = TypeVar("Word", bound=StrEnum)


def time(name: str, *, nullable: bool = True, server_default: Any = None) -> sa.Column[dt.datetime]:
    """Make a column for a moment."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=server_default)


def listed(values: Sequence[object]) -> str:
    """Write a list, empty as most are, for a column of JSON."""
    return orjson.dumps(values).decode() if values else "[]"


def query(table: sa.Table, condition: str) -> str:
    """Ask for the columns of a table by name, so that one added by a migration disturbs no prepared statement."""
    return " ".join(("select", ", ".join(f'"{each.name}"' for each in table.c), "from", table.name, "where", condition))


def words(kind: type[Word]) -> dict[str, Word]:
    """Let the values of a column be looked up, which takes a fifth of the time of a call of their enum."""
    return {each.value: each for each in kind}


def one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    """Let a column hold these values only."""
    return sa.CheckConstraint(f"{column} in ({', '.join(repr(str(each)) for each in values)})", name=column)


THREAD_EVENT = sa.Table(  # Every touchpoint of a thread, and every one that opens a case; never its words.
    "thread_event",
    METADATA,
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("case_id", sa.Uuid, nullable=False, index=True),  # The case that it opens or would belong to.
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("thread_id", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("channel", sa.Text),
    sa.Column("org_unit", sa.Text, nullable=False),
    sa.Column("topics", postgresql.JSONB, nullable=False),
    sa.Column("customer_id", sa.Uuid),  # Whose it is now, after all merges and splits.
    sa.Column("given_id", sa.Uuid),  # Whose it was as journey said with it; null: the same, or nobody's.
    sa.Column("given_version", sa.BigInteger, nullable=False, server_default="0"),  # of who is who, by then
    time("occurred_time", nullable=False),
    sa.Column("opens", sa.Boolean, nullable=False),
    sa.Column("policy", sa.Text),  # Null: nothing is promised for it.
    sa.Column("target", sa.Interval),  # of the first response; null: none, or `promise_version` says more
    sa.Column("promise_version", sa.Text),  # Null: as `policy` and `target` say.
    sa.Column("public", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("severity", sa.Text, nullable=False, server_default=Severity.NORMAL.value),
    sa.Column("segments", postgresql.JSONB, nullable=False, server_default="[]"),
    sa.Column("grouped", sa.Boolean, nullable=False, server_default=sa.false()),  # By customer and topic.
    sa.Index("ix_thread_event_grouped", "customer_id", postgresql_where=sa.text("grouped")),
    sa.Index("ix_thread_event_customer", "customer_id", postgresql_where=sa.text("customer_id is not null")),
    sa.Index("ix_thread_event_given", "given_id", postgresql_where=sa.text("given_id is not null")),
    one_of("severity", Severity),
    one_of("actor", Actor),
    one_of("kind", Kind),
    one_of("channel", Channel),
)
MATTER = sa.Table(  # A case; the word itself is SQL's.
    "matter",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("thread_key", sa.Uuid, index=True),  # What `thread_event.case_id` says; null: the same as `case_id`.
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("thread_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Uuid),
    sa.Column("channel", sa.Text),
    sa.Column("org_unit", sa.Text, nullable=False),
    sa.Column("touchpoint_id", sa.Uuid),
    sa.Column("topics", postgresql.JSONB, nullable=False),
    time("opened_time", nullable=False),
    sa.Column("segments", postgresql.JSONB, nullable=False, server_default="[]"),
    sa.Column("severity", sa.Text, nullable=False, server_default=Severity.NORMAL.value),
    sa.Column("tags", postgresql.JSONB, nullable=False, server_default="[]"),
    sa.Column("team", sa.Text, nullable=False, server_default=""),
    sa.Column("person", sa.Text, nullable=False, server_default=""),
    sa.Column("policy", sa.Text),  # Of the first response, as are the next two; null: none is promised.
    time("due_time"),
    sa.Column("clock_state", sa.Text),
    time("answered_time"),
    time("resolved_time"),
    sa.Column("acknowledged_by", sa.Text, nullable=False),
    time("acknowledged_time"),
    sa.Column("closed_by", sa.Text, nullable=False),  # Not written any more: acts say it.
    time("closed_time"),
    sa.Column("change_xid", sa.BigInteger),  # The transaction that last wrote the row; followers resume after it.
    sa.Column("version", sa.BigInteger, nullable=False),
    one_of("severity", Severity),
    sa.Index("ix_matter_customer", "customer_id", postgresql_where=sa.text("customer_id is not null")),
    sa.Index("ix_matter_change_xid", "change_xid", "case_id"),
    one_of("origin", Origin),
    one_of("state", CaseState),
    one_of("channel", Channel),
    one_of("clock_state", ClockState),
    sa.Index("ix_matter_page", "opened_time", "case_id"),
    sa.Index(  # Crises that are over.
        "ix_matter_crisis",
        "resolved_time",
        postgresql_where=sa.text("severity in ('high', 'critical') and resolved_time is not null"),
    ),
    sa.Index("ix_matter_page_of_unit", "org_unit", "opened_time", "case_id"),
)
CASE_ACT = sa.Table(  # What people did; only ever added to.
    "case_act",
    METADATA,
    sa.Column("act_id", sa.Uuid, primary_key=True),
    sa.Column("case_id", sa.Uuid, sa.ForeignKey("matter.case_id"), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    time("act_time", nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("team", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("severity", sa.Text),
    sa.Column("tags", postgresql.JSONB, nullable=False),
    one_of("kind", ActKind),
    one_of("severity", Severity),
)
CASE_CLOCK = sa.Table(  # No foreign key here and below: whoever writes these rows holds the case.
    "case_clock",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("metric", sa.Text, primary_key=True),
    sa.Column("instance", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("promise_version", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    time("start_time", nullable=False),
    time("due_time"),
    sa.Column("target", sa.Interval, nullable=False),
    sa.Column("used", sa.Interval, nullable=False),
    sa.Column("warnings", postgresql.JSONB, nullable=False),  # [[percent, time], …]
    time("breach_time"),
    time("fulfilled_time"),
    sa.Column("declared", sa.Boolean, nullable=False),
    one_of("metric", Metric),
    one_of("state", ClockState),
    sa.Index("ix_case_clock_start_time", "start_time"),
)
CALENDAR_VERSION = sa.Table(  # Frozen, by the hash of its content.
    "calendar_version",
    METADATA,
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("content", postgresql.JSONB, nullable=False),
)
PROMISE_VERSION = sa.Table(  # Frozen, by the hash of its content; it names its calendars by theirs.
    "promise_version",
    METADATA,
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("content", postgresql.JSONB, nullable=False),
)
DEADLINE = sa.Table(  # One row a case: when somebody has to look at its clocks next.
    "deadline",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("metric", sa.Text, primary_key=True, server_default=Metric.FIRST_RESPONSE.value),  # Always this one.
    time("due_time", nullable=False),
    time("fire_time", nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    time("fired_time"),
    sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),  # Grows; only who holds the latest fires.
    sa.Column("leased_by", sa.Text),  # process that has it in memory
    time("leased_until"),
    one_of("metric", [Metric.FIRST_RESPONSE]),
    one_of("state", DeadlineState),
    sa.Index("ix_deadline_armed", "fire_time", postgresql_where=sa.text("state = 'armed'")),
    sa.Index("ix_deadline_unleased", "fire_time", postgresql_where=sa.text("state = 'armed' and leased_until is null")),
)
ALERT = sa.Table(
    "alert",
    METADATA,
    sa.Column("alert_id", sa.Uuid, primary_key=True),
    sa.Column("case_id", sa.Uuid, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("org_unit", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    time("next_attempt_time", nullable=False),
    time("leased_until"),  # Until then one worker has it; a worker that dies loses it by this.
    time("created_time", nullable=False),
    time("sent_time"),
    one_of("state", AlertState),
    sa.UniqueConstraint("case_id", "reason"),
    sa.Index("ix_alert_pending", "next_attempt_time", postgresql_where=sa.text("state = 'pending'")),
)
MERGED_CUSTOMER = sa.Table(  # Every merge ever.
    "merged_customer",
    METADATA,
    sa.Column("from_id", sa.Uuid, primary_key=True),
    sa.Column("graph_version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("into_id", sa.Uuid, nullable=False, index=True),
)
TOUCHPOINT_SPLIT = sa.Table(  # The latest for each touchpoint.
    "touchpoint_split",
    METADATA,
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid, nullable=False, index=True),
    sa.Column("graph_version", sa.BigInteger, nullable=False),
)
CORRECTION = sa.Table(  # The latest for each touchpoint.
    "correction",
    METADATA,
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Column("correction_id", sa.Uuid, nullable=False),
    time("corrected_time", nullable=False),
    sa.Column("topics", postgresql.JSONB, nullable=False),
)
ERASED = sa.Table(  # Customers and touchpoints that stay nobody's.
    "erased",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
)
ERASURE = sa.Table(
    "erasure",
    METADATA,
    sa.Column("erasure_id", sa.Uuid, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("part_count", sa.Integer, nullable=False),
    sa.Column("removed_count", sa.BigInteger, nullable=False),
    sa.Column("answered", sa.Boolean, nullable=False, server_default=sa.false()),
    time("handled_time", nullable=False, server_default=sa.func.now()),
    sa.Column(
        "looked", sa.Boolean, nullable=False, server_default=sa.false()
    ),  # through the streams, for the first time
    sa.Index("ix_erasure_open", "erasure_id", postgresql_where=sa.text("not answered")),
)
ERASED_CASE = sa.Table(
    "erased_case",  # Whose events are still looked for in the streams; deleted when all are gone.
    METADATA,
    sa.Column("erasure_id", sa.Uuid, primary_key=True),
    sa.Column("case_id", sa.Uuid, primary_key=True),
)
CUSTOMER_MERGE = sa.Table(  # Who is merged now; flat: a survivor is never itself merged.
    "customer_merge",
    METADATA,
    sa.Column("merged_id", sa.Uuid, primary_key=True),
    sa.Column("survivor_id", sa.Uuid, nullable=False, index=True),
)
TOUCHPOINT_TALLY = sa.Table(  # The sum is exact and outlives the inbox; several rows, so that replicas do not queue.
    "touchpoint_tally",
    METADATA,
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("touchpoint_count", sa.BigInteger, nullable=False),
)
