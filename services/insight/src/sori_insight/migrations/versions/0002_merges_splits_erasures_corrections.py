"""Merges with versions, splits, erasures and corrections."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "correction",
        sa.Column("correction_id", sa.Uuid(), nullable=False),
        sa.Column("touchpoint_id", sa.Uuid(), nullable=False),
        sa.Column("corrected_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_correction")),
    )
    op.create_index(op.f("ix_correction_touchpoint_id"), "correction", ["touchpoint_id"], unique=False)
    op.create_table(
        "erased", sa.Column("id", sa.Uuid(), nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_erased"))
    )
    op.create_table(
        "erasure",
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
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
        sa.Column("graph_version", sa.BigInteger(), nullable=False),
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
    op.add_column("feed_item", sa.Column("about_id", sa.Uuid(), nullable=True))
    op.add_column("feed_item", sa.Column("given_id", sa.Uuid(), nullable=True))
    op.add_column("feed_item", sa.Column("given_version", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index(
        "ix_feed_item_about", "feed_item", ["about_id"], unique=False, postgresql_where=sa.text("about_id is not null")
    )
    op.create_index(
        "ix_feed_item_given", "feed_item", ["given_id"], unique=False, postgresql_where=sa.text("given_id is not null")
    )


def downgrade() -> None:
    op.drop_index("ix_feed_item_given", table_name="feed_item", postgresql_where=sa.text("given_id is not null"))
    op.drop_index("ix_feed_item_about", table_name="feed_item", postgresql_where=sa.text("about_id is not null"))
    op.drop_column("feed_item", "given_version")
    op.drop_column("feed_item", "given_id")
    op.drop_column("feed_item", "about_id")
    op.drop_index(op.f("ix_touchpoint_split_customer_id"), table_name="touchpoint_split")
    op.drop_table("touchpoint_split")
    op.drop_index(op.f("ix_merged_customer_into_id"), table_name="merged_customer")
    op.drop_table("merged_customer")
    op.drop_index("ix_erasure_open", table_name="erasure", postgresql_where=sa.text("not answered"))
    op.drop_table("erasure")
    op.drop_table("erased")
    op.drop_index(op.f("ix_correction_touchpoint_id"), table_name="correction")
    op.drop_table("correction")
