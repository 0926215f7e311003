"""Indexes by which customers are merged, split and erased."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_matter_customer", "matter", "customer_id"),
    ("ix_thread_event_customer", "thread_event", "customer_id"),
    ("ix_thread_event_given", "thread_event", "given_id"),
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, column in _INDEXES:
            op.create_index(
                name,
                table,
                [column],
                unique=False,
                postgresql_where=sa.text(f"{column} is not null"),
                postgresql_concurrently=True,
                if_not_exists=True,
            )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, _ in reversed(_INDEXES):
            op.drop_index(name, table_name=table, postgresql_concurrently=True, if_exists=True)
