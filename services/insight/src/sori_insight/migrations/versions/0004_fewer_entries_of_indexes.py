"""Indexes of the feed without entries for what another index finds."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NEW = {
    "ix_feed_item_rarer": (["kind", "arrival"], "kind <> 'touchpoint'"),
    "ix_feed_item_moved": (["given_id"], "given_id is distinct from customer_id"),
    "ix_feed_item_about_another": (["about_id"], "touchpoint_id is null"),
}
_OLD = {
    "ix_feed_item_kind": (["kind", "arrival"], None),
    "ix_feed_item_given": (["given_id"], "given_id is not null"),
    "ix_feed_item_about": (["about_id"], "about_id is not null"),
}


def upgrade() -> None:
    _exchange(_OLD, _NEW)


def downgrade() -> None:
    _exchange(_NEW, _OLD)


def _exchange(old: dict[str, tuple[list[str], str | None]], new: dict[str, tuple[list[str], str | None]]) -> None:
    with op.get_context().autocommit_block():
        for name, (columns, where) in new.items():
            op.create_index(
                name,
                "feed_item",
                columns,
                postgresql_where=sa.text(where) if where else None,
                postgresql_concurrently=True,
                if_not_exists=True,
            )
        for name in old:
            op.drop_index(name, table_name="feed_item", postgresql_concurrently=True, if_exists=True)
