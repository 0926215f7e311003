"""The tables of journey."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from sori_journey.domain import Channel, ConsentSource, ConsentState, IdentifierType, RefusalReason, Stage
from sori_kit.database import metadata

METADATA = metadata()


def _one_of(column: str, values: object) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} in {tuple(map(str, values))}", name=column)  # type: ignore[call-overload]


GRAPH = sa.Table(
    "graph",
    METADATA,
    sa.Column("graph_id", sa.SmallInteger, primary_key=True, autoincrement=False),  # One row, which writers hold.
    sa.Column("version", sa.BigInteger, nullable=False),  # of who is who
    sa.Column("salt", sa.LargeBinary, nullable=False),  # of all hashes of erased data
    sa.Column("tombstone_count", sa.BigInteger, nullable=False),
    sa.CheckConstraint("graph_id = 1", name="one"),
)
CUSTOMER = sa.Table(
    "customer",
    METADATA,
    sa.Column("customer_id", sa.Uuid, primary_key=True),
    sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("merged_into", sa.Uuid, sa.ForeignKey("customer.customer_id"), index=True),  # The one that remains.
)
PATTERN = sa.Table(
    "pattern",
    METADATA,
    sa.Column("pattern_id", sa.Uuid, primary_key=True),
    sa.Column("region_id", sa.Uuid, nullable=False, index=True),
    sa.Column("customer_id", sa.Uuid, nullable=False, index=True),
    sa.Column("types", ARRAY(sa.Text), nullable=False),
    sa.Column("identifier_values", ARRAY(sa.Text), nullable=False),
    sa.Column("temporaries", ARRAY(sa.Boolean), nullable=False),
    sa.Column("first_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("first_touchpoint_id", sa.Uuid, nullable=False),
    sa.Column("first_source", sa.Text, nullable=False),
    sa.Column("birth_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("birth_id", sa.Uuid, nullable=False),
)
IDENTIFIER = sa.Table(
    "identifier",
    METADATA,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("temporary", sa.Boolean, nullable=False),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customer.customer_id"), index=True),  # Null: nobody keeps it.
    sa.Column("region_id", sa.Uuid, index=True),
    sa.Column("shared", sa.Boolean, nullable=False, server_default=sa.false()),
    _one_of("type", IdentifierType),
)
DETACHMENT = sa.Table(
    "detachment",
    METADATA,
    sa.Column("pattern_id", sa.Uuid, sa.ForeignKey("pattern.pattern_id", ondelete="cascade"), primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    _one_of("reason", RefusalReason),
)
DECISION = sa.Table(
    "decision",
    METADATA,
    sa.Column("decision_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("decided_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("region_id", sa.Uuid, nullable=False, index=True),
    sa.Column("undone_by", sa.Uuid),  # The later decision that took it back.
    _one_of("kind", ("merge", "split")),
)
DECISION_IDENTIFIER = sa.Table(
    "decision_identifier",
    METADATA,
    sa.Column("decision_id", sa.Uuid, sa.ForeignKey("decision.decision_id", ondelete="cascade"), primary_key=True),
    sa.Column("side", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("temporary", sa.Boolean, nullable=False),
    sa.Index(None, "type", "value"),
    _one_of("side", ("left", "right", "apart", "kept")),
)
TIMELINE = sa.Table(
    "timeline",
    METADATA,
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("customer_id", sa.Uuid),  # Null: nobody known.
    sa.Column("occurred_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("stage", sa.Text),
    sa.Column("entry", sa.LargeBinary, nullable=False),  # A serialised TimelineEntry without its position.
    sa.Column("arrival", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("pattern_id", sa.Uuid),  # Null: nobody known.
    sa.Column("channel", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("sentiment", sa.Text),
    _one_of("stage", Stage),
    sa.CheckConstraint(f"channel in {tuple(map(str, Channel))}", name="channel"),
    sa.CheckConstraint("sentiment in ('negative', 'neutral', 'positive')", name="sentiment"),
    # One for pages and, with the arrivals in it, for those who watch: each more costs every touchpoint that is written.
    sa.Index("ix_timeline_place", "customer_id", "occurred_time", "touchpoint_id", postgresql_include=["arrival"]),
    sa.Index("ix_timeline_age", "occurred_time", postgresql_using="brin"),  # For retention.
)
CONSENT = sa.Table(
    "consent",
    METADATA,
    sa.Column("customer_id", sa.Uuid, primary_key=True),  # To whom it was said; a merge leaves it as it is.
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("recorded_time", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("expire_time", sa.DateTime(timezone=True)),
    _one_of("state", ConsentState),
    _one_of("source", ConsentSource),
)
ERASURE = sa.Table(
    "erasure",
    METADATA,
    sa.Column("erasure_id", sa.Uuid, primary_key=True),
    sa.Column("requested_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("proofs", ARRAY(sa.Text), nullable=False),
    sa.Column("touchpoint_count", sa.BigInteger, nullable=False),
    sa.Column("identifier_count", sa.BigInteger, nullable=False),
    sa.Column("broker_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("broker_done_time", sa.DateTime(timezone=True)),
    sa.Column("done_time", sa.DateTime(timezone=True)),
    sa.Index("ix_erasure_running", "requested_time", postgresql_where=sa.text("done_time is null")),
)
ERASURE_TOUCHPOINT = sa.Table(
    "erasure_touchpoint",
    METADATA,
    sa.Column("erasure_id", sa.Uuid, sa.ForeignKey("erasure.erasure_id"), primary_key=True),
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),  # Whose copies are still looked for; deleted when done.
)
ERASURE_ANSWER = sa.Table(
    "erasure_answer",
    METADATA,
    sa.Column("erasure_id", sa.Uuid, sa.ForeignKey("erasure.erasure_id"), primary_key=True),
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("answered_time", sa.DateTime(timezone=True)),
    sa.Column("removed_count", sa.BigInteger, nullable=False, server_default="0"),
)
TOMBSTONE = sa.Table(
    "tombstone",
    METADATA,
    sa.Column("hash", sa.LargeBinary, primary_key=True),  # of an identifier or a touchpoint's id, salted
    sa.Column("erased_time", sa.DateTime(timezone=True), nullable=False),
)
PATH = sa.Table(
    "path",
    METADATA,
    sa.Column("path_id", sa.Uuid, primary_key=True),  # A customer; of nobody's touchpoint, the touchpoint.
    sa.Column("known", sa.Boolean, nullable=False),  # Whether it is a customer's.
    sa.Column("steps", sa.LargeBinary, nullable=False),  # The timeline as records of `domain.STEP`, by time.
    sa.Column("step_count", sa.BigInteger, nullable=False),
    sa.Column("first_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("stage", sa.Text),  # Where the customer is when nothing has fallen back since `folded_time`.
    sa.Column("stage_time", sa.DateTime(timezone=True)),
    sa.Column("purchase_count", sa.BigInteger, nullable=False),
    sa.Column("spent", sa.Double, nullable=False),
    sa.Column("last_purchase_time", sa.DateTime(timezone=True)),
    sa.Column("nps", sa.Double),  # The latest answer, 0 to 10.
    sa.Column("churn_risk", sa.Double),
    sa.Column("complaint_risk", sa.Double),
    sa.Column("scored_time", sa.DateTime(timezone=True)),
    _one_of("stage", Stage),
    sa.Index("ix_path_churn_risk", "churn_risk", "path_id", postgresql_where=sa.text("churn_risk is not null")),
    sa.Index(
        "ix_path_complaint_risk", "complaint_risk", "path_id", postgresql_where=sa.text("complaint_risk is not null")
    ),
)
TOUCHED = sa.Table(
    "touched",  # Paths to be made anew; written by triggers on `timeline`.
    METADATA,
    sa.Column("touched_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("path_id", sa.Uuid, nullable=False),
)
WORD = sa.Table(
    "word",  # What the numbers in `path.steps` stand for.
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),  # from 1, without gaps
    sa.Column("text", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "text"),
    _one_of("kind", ("topic", "org_unit", "product")),
)
CORRECTION = sa.Table(
    "correction",
    METADATA,
    sa.Column("correction_id", sa.Uuid, primary_key=True),
    sa.Column("touchpoint_id", sa.Uuid, nullable=False, index=True),  # May not have arrived yet.
    sa.Column("corrected_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("correction", sa.LargeBinary, nullable=False),  # A serialised sori.classify.v1.Correction.
)
SEGMENT_MEMBER = sa.Table(
    "segment_member",
    METADATA,
    sa.Column("segment", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Uuid, primary_key=True, index=True),
    sa.Column("entered_time", sa.DateTime(timezone=True), nullable=False),
)
QUINTILE = sa.Table(
    "quintile",
    METADATA,
    sa.Column("measure", sa.Text, primary_key=True),
    sa.Column("bounds", ARRAY(sa.Double), nullable=False),  # Four, ascending.
    _one_of("measure", ("recency", "frequency", "monetary")),
)
