"""An index by which messages to customers are listed."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_outreach_triggered",
            "outreach",
            ["triggered_time", "outreach_id"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_outreach_triggered", table_name="outreach", postgresql_concurrently=True, if_exists=True)
