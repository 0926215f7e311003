"""The tables."""

import sqlalchemy as sa

from sori_insight.domain import ClockState, Kind, Origin, Sentiment
from sori_kit.database import metadata

METADATA = metadata()

FEED = "feed"  # The lock under which lines get their arrival, and customers and cases are brought together.

FEED_ITEM = sa.Table(
    "feed_item",
    METADATA,
    sa.Column("item_id", sa.Uuid, nullable=False),  # The event behind it.
    sa.Column("arrival", sa.BigInteger, sa.Identity(), primary_key=True),  # Drawn under the lock FEED.
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("occurred_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("org_unit", sa.Text, nullable=False),  # Empty: none named.
    sa.Column("week", sa.Text, nullable=False),
    sa.Column("touchpoint_id", sa.Uuid, unique=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("about_id", sa.Uuid),  # The touchpoint whose customer it is.
    sa.Column("given_id", sa.Uuid),  # The customer, as the event says. Null: nobody known.
    sa.Column("given_version", sa.BigInteger, nullable=False, server_default="0"),  # of who is who, by then
    sa.Column("customer_id", sa.Uuid),  # Whose it is now, after all merges and splits.
    sa.Column("case_id", sa.Uuid),
    sa.Column("staff", sa.Boolean, nullable=False),  # About an employee's case: not for CX.
    sa.Column("channel", sa.Text),
    sa.Column("sentiment", sa.Text),  # Of a customer's words.
    sa.Column("nps_score", sa.Double),  # 0 to 10
    sa.Column("csat_score", sa.Double),  # 1 to 5
    sa.Column("content", sa.LargeBinary, nullable=False),  # A serialised FeedItem, nobody's identity in it.
    sa.CheckConstraint(f"kind in {tuple(map(str, Kind))}", name="kind"),
    sa.CheckConstraint(f"sentiment in {tuple(map(str, Sentiment))}", name="sentiment"),
    # Most lines are touchpoints of whom they were given to: those need no entry in these four.
    sa.Index("ix_feed_item_event", "item_id", unique=True, postgresql_where=sa.text("touchpoint_id is null")),
    sa.Index("ix_feed_item_rarer", "kind", "arrival", postgresql_where=sa.text("kind <> 'touchpoint'")),
    sa.Index("ix_feed_item_moved", "given_id", postgresql_where=sa.text("given_id is distinct from customer_id")),
    sa.Index("ix_feed_item_about_another", "about_id", postgresql_where=sa.text("touchpoint_id is null")),
    sa.Index("ix_feed_item_customer", "customer_id", postgresql_where=sa.text("customer_id is not null")),
    sa.Index("ix_feed_item_case", "case_id", postgresql_where=sa.text("case_id is not null")),
    sa.Index(
        "ix_feed_item_group",  # Holds all that scorecards need, so that they never read the contents.
        "org_unit",
        "arrival",
        postgresql_include=["week", "kind", "sentiment", "nps_score", "csat_score"],
    ),
)
CUSTOMER_MERGE = sa.Table(
    "customer_merge",  # Of the version before; goes with the next migration.
    METADATA,
    sa.Column("merged_id", sa.Uuid, primary_key=True),
    sa.Column("survivor_id", sa.Uuid, nullable=False, index=True),
)
MERGED_CUSTOMER = sa.Table(
    "merged_customer",
    METADATA,
    sa.Column("from_id", sa.Uuid, primary_key=True),
    sa.Column("graph_version", sa.BigInteger, primary_key=True),
    sa.Column("into_id", sa.Uuid, nullable=False, index=True),
)
TOUCHPOINT_SPLIT = sa.Table(
    "touchpoint_split",  # The latest for each.
    METADATA,
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid, nullable=False, index=True),
    sa.Column("graph_version", sa.BigInteger, nullable=False),
)
ERASED = sa.Table(
    "erased",  # Customers and touchpoints that never come back.
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
)
ERASURE = sa.Table(
    "erasure",
    METADATA,
    sa.Column("erasure_id", sa.Uuid, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("part_count", sa.Integer, nullable=False),
    sa.Column("removed_count", sa.BigInteger, nullable=False),
    sa.Column("answered", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("ix_erasure_open", "erasure_id", postgresql_where=sa.text("not answered")),
)
CORRECTION = sa.Table(
    "correction",
    METADATA,
    sa.Column("correction_id", sa.Uuid, primary_key=True),
    sa.Column("touchpoint_id", sa.Uuid, nullable=False, index=True),
    sa.Column("corrected_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),  # A serialised Correction.
)
CASE_LATEST = sa.Table(
    "case_latest",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("org_unit", sa.Text, nullable=False),
    sa.Column("week", sa.Text, nullable=False),  # in which it was opened
    sa.Column("clock_state", sa.Text),  # Null: nothing was promised.
    sa.CheckConstraint(f"origin in {tuple(map(str, Origin))}", name="origin"),
    sa.CheckConstraint(f"clock_state in {tuple(map(str, ClockState))}", name="clock_state"),
    sa.Index("ix_case_latest_figures", "org_unit", "week"),
)
PULSE = sa.Table(
    "pulse",
    METADATA,
    sa.Column("org_unit", sa.Text, primary_key=True),
    sa.Column("week", sa.Text, primary_key=True),
    sa.Column("released_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("release_id", sa.Uuid, nullable=False),  # The event; decides between two of the same moment.
    sa.Column("enps", sa.Double),
)
