"""Identity graph."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("recorded_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "source in ('app', 'web', 'store', 'call_center', 'kakao', 'email', 'paper', 'import')",
            name=op.f("ck_consent_source"),
        ),
        sa.CheckConstraint("state in ('granted', 'denied')", name=op.f("ck_consent_state")),
        sa.PrimaryKeyConstraint("customer_id", "purpose", "recorded_time", "state", "source", name=op.f("pk_consent")),
    )
    op.create_table(
        "decision",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("decided_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind in ('merge', 'split')", name=op.f("ck_decision_kind")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_region_id"), "decision", ["region_id"], unique=False)
    op.create_table(
        "erasure",
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("requested_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proofs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("touchpoint_count", sa.BigInteger(), nullable=False),
        sa.Column("identifier_count", sa.BigInteger(), nullable=False),
        sa.Column("broker_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("broker_done_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasure")),
    )
    op.create_index(
        "ix_erasure_running", "erasure", ["requested_time"], unique=False, postgresql_where=sa.text("done_time is null")
    )
    op.create_table(
        "graph",
        sa.Column("graph_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("tombstone_count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("graph_id = 1", name=op.f("ck_graph_one")),
        sa.PrimaryKeyConstraint("graph_id", name=op.f("pk_graph")),
    )
    op.create_table(
        "pattern",
        sa.Column("pattern_id", sa.Uuid(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("identifier_values", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("temporaries", postgresql.ARRAY(sa.Boolean()), nullable=False),
        sa.Column("first_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_touchpoint_id", sa.Uuid(), nullable=False),
        sa.Column("first_source", sa.Text(), nullable=False),
        sa.Column("birth_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("birth_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("pattern_id", name=op.f("pk_pattern")),
    )
    op.create_index(op.f("ix_pattern_customer_id"), "pattern", ["customer_id"], unique=False)
    op.create_index(op.f("ix_pattern_region_id"), "pattern", ["region_id"], unique=False)
    op.create_table(
        "tombstone",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("erased_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_tombstone")),
    )
    op.create_table(
        "decision_identifier",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("temporary", sa.Boolean(), nullable=False),
        sa.CheckConstraint("side in ('left', 'right', 'apart', 'kept')", name=op.f("ck_decision_identifier_side")),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["decision.decision_id"],
            name=op.f("fk_decision_identifier_decision_id_decision"),
            ondelete="cascade",
        ),
        sa.PrimaryKeyConstraint("decision_id", "side", "type", "value", name=op.f("pk_decision_identifier")),
    )
    op.create_index(op.f("ix_decision_identifier_type_value"), "decision_identifier", ["type", "value"], unique=False)
    op.create_table(
        "detachment",
        sa.Column("pattern_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("reason in ('stronger', 'limit', 'shared', 'split')", name=op.f("ck_detachment_reason")),
        sa.ForeignKeyConstraint(
            ["pattern_id"], ["pattern.pattern_id"], name=op.f("fk_detachment_pattern_id_pattern"), ondelete="cascade"
        ),
        sa.PrimaryKeyConstraint("pattern_id", "type", "value", name=op.f("pk_detachment")),
    )
    op.create_table(
        "erasure_answer",
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("answered_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasure.erasure_id"], name=op.f("fk_erasure_answer_erasure_id_erasure")
        ),
        sa.PrimaryKeyConstraint("erasure_id", "service", name=op.f("pk_erasure_answer")),
    )
    op.create_table(
        "erasure_touchpoint",
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("touchpoint_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["erasure_id"], ["erasure.erasure_id"], name=op.f("fk_erasure_touchpoint_erasure_id_erasure")
        ),
        sa.PrimaryKeyConstraint("erasure_id", "touchpoint_id", name=op.f("pk_erasure_touchpoint")),
    )
    op.add_column("identifier", sa.Column("region_id", sa.Uuid(), nullable=True))
    op.add_column("identifier", sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.alter_column("identifier", "customer_id", existing_type=sa.UUID(), nullable=True)
    op.add_column("timeline", sa.Column("pattern_id", sa.Uuid(), nullable=True))
    op.add_column("timeline", sa.Column("channel", sa.Text(), nullable=True))
    op.add_column("timeline", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column("timeline", sa.Column("sentiment", sa.Text(), nullable=True))
    channels = [
        "app",
        "web",
        "store",
        "kakao",
        "call_center",
        "sns",
        "review",
        "survey",
        "email",
        "chat",
        "delivery",
        "crm",
    ]
    for column, values in (
        ("channel", tuple(channels)),
        ("sentiment", ("negative", "neutral", "positive")),
    ):  # Not validated: the old rows hold nulls, and to look at them all would hold up the old code.
        op.execute(f"alter table timeline add constraint ck_timeline_{column} check ({column} in {values}) not valid")
    # Not concurrently: that waits for every other session, and replicas wait in theirs for this migration to end.
    op.create_index("ix_customer_merged_into", "customer", ["merged_into"])
    op.create_index("ix_identifier_region_id", "identifier", ["region_id"])
    op.create_index("ix_timeline_age", "timeline", ["occurred_time"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_index("ix_timeline_age", table_name="timeline", postgresql_using="brin")
    op.drop_column("timeline", "sentiment")
    op.drop_column("timeline", "kind")
    op.drop_column("timeline", "channel")
    op.drop_column("timeline", "pattern_id")
    op.drop_index(op.f("ix_identifier_region_id"), table_name="identifier")
    op.alter_column("identifier", "customer_id", existing_type=sa.UUID(), nullable=False)
    op.drop_column("identifier", "shared")
    op.drop_column("identifier", "region_id")
    op.drop_index(op.f("ix_customer_merged_into"), table_name="customer")
    op.drop_table("erasure_touchpoint")
    op.drop_table("erasure_answer")
    op.drop_table("detachment")
    op.drop_index(op.f("ix_decision_identifier_type_value"), table_name="decision_identifier")
    op.drop_table("decision_identifier")
    op.drop_table("tombstone")
    op.drop_index(op.f("ix_pattern_region_id"), table_name="pattern")
    op.drop_index(op.f("ix_pattern_customer_id"), table_name="pattern")
    op.drop_table("pattern")
    op.drop_table("graph")
    op.drop_index("ix_erasure_running", table_name="erasure", postgresql_where=sa.text("done_time is null"))
    op.drop_table("erasure")
    op.drop_index(op.f("ix_decision_region_id"), table_name="decision")
    op.drop_table("decision")
    op.drop_table("consent")
