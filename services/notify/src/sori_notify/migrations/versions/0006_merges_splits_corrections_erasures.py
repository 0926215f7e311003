"""Merges with versions, splits, corrections, erasures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "correction",
        sa.Column("touchpoint_id", sa.Uuid(), nullable=False),
        sa.Column("correction_id", sa.Uuid(), nullable=False),
        sa.Column("corrected_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("topics", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("touchpoint_id", name=op.f("pk_correction")),
    )
    op.create_table(
        "erased", sa.Column("id", sa.Uuid(), nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_erased"))
    )
    op.create_table(
        "erasure",
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("part_count", sa.Integer(), nullable=False),
        sa.Column("removed_count", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", "part", name=op.f("pk_erasure")),
    )
    op.create_index(
        "ix_erasure_open", "erasure", ["erasure_id"], unique=False, postgresql_where=sa.text("not answered")
    )
    op.create_table(
        "merged_customer",
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("graph_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("into_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("from_id", "graph_version", name=op.f("pk_merged_customer")),
    )
    op.create_index(op.f("ix_merged_customer_into_id"), "merged_customer", ["into_id"], unique=False)
    op.create_table(
        "touchpoint_split",
        sa.Column("touchpoint_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("graph_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("touchpoint_id", name=op.f("pk_touchpoint_split")),
    )
    op.create_index(op.f("ix_touchpoint_split_customer_id"), "touchpoint_split", ["customer_id"], unique=False)
    op.add_column("thread_event", sa.Column("given_id", sa.Uuid(), nullable=True))
    op.add_column("thread_event", sa.Column("given_version", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(  # What was known without versions.
        "insert into merged_customer (from_id, graph_version, into_id)"
        " select merged_id, 0, survivor_id from customer_merge on conflict do nothing"
    )
    op.execute(
        "update thread_event set given_id = customer_id, customer_id = survivor_id from customer_merge"
        " where merged_id = customer_id"
    )
    op.execute("update matter set customer_id = survivor_id from customer_merge where merged_id = customer_id")


def downgrade() -> None:
    op.drop_column("thread_event", "given_version")
    op.drop_column("thread_event", "given_id")
    op.drop_index(op.f("ix_touchpoint_split_customer_id"), table_name="touchpoint_split")
    op.drop_table("touchpoint_split")
    op.drop_index(op.f("ix_merged_customer_into_id"), table_name="merged_customer")
    op.drop_table("merged_customer")
    op.drop_index("ix_erasure_open", table_name="erasure", postgresql_where=sa.text("not answered"))
    op.drop_table("erasure")
    op.drop_table("erased")
    op.drop_table("correction")
