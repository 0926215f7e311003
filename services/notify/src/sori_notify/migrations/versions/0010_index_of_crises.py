"""An index by which crises that are over are found."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_matter_crisis",
            "matter",
            ["resolved_time"],
            postgresql_where=sa.text("severity in ('high', 'critical') and resolved_time is not null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_matter_crisis", table_name="matter", postgresql_concurrently=True, if_exists=True)
