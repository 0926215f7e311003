"""Erasures reach what streams hold of cases."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_case",
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", "case_id", name=op.f("pk_erased_case")),
    )
    op.add_column(
        "erasure",
        sa.Column("handled_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("erasure", sa.Column("looked", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_delivery_words",
            "delivery",
            ["case_id"],
            postgresql_where=sa.text("\"values\" ? 'words'"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_delivery_words", table_name="delivery", postgresql_concurrently=True, if_exists=True)
    op.drop_column("erasure", "looked")
    op.drop_column("erasure", "handled_time")
    op.drop_table("erased_case")
