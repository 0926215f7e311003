"""Lines by their arrival, and one index of those of a shop or team."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_FIGURES = ["kind", "sentiment", "nps_score", "csat_score"]


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _create("ix_feed_item_event", ["item_id"], unique=True, where="touchpoint_id is null")
        _create("ix_feed_item_group", ["org_unit", "arrival"], include=["week", *_FIGURES])
        _create("ix_feed_item_key", ["arrival"], unique=True)
    _exchange_key("ix_feed_item_key", "uq_feed_item_arrival")
    with op.get_context().autocommit_block():
        _drop("ix_feed_item_org_unit")
        _drop("ix_feed_item_figures")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        _create("ix_feed_item_org_unit", ["org_unit", "arrival"])
        _create("ix_feed_item_figures", ["org_unit", "week"], include=_FIGURES, where="kind in ('touchpoint', 'voice')")
        _create("ix_feed_item_key", ["item_id"], unique=True)
        _create("uq_feed_item_arrival", ["arrival"], unique=True)
    _exchange_key("ix_feed_item_key", None)
    op.execute("alter table feed_item add constraint uq_feed_item_arrival unique using index uq_feed_item_arrival")
    with op.get_context().autocommit_block():
        _drop("ix_feed_item_event")
        _drop("ix_feed_item_group")


def _exchange_key(index: str, unique: str | None) -> None:
    """Let a unique index be the primary key, in one go with the end of what it takes the place of."""
    dropped = f"drop constraint if exists {unique}, " if unique else ""  # A migration that broke off begins anew.
    op.execute(
        f"alter table feed_item drop constraint pk_feed_item, {dropped}"
        f"add constraint pk_feed_item primary key using index {index}"
    )


def _create(
    name: str, columns: list[str], *, unique: bool = False, include: list[str] | None = None, where: str | None = None
) -> None:
    op.create_index(
        name,
        "feed_item",
        columns,
        unique=unique,
        postgresql_include=include,
        postgresql_where=sa.text(where) if where else None,
        postgresql_concurrently=True,
        if_not_exists=True,
    )


def _drop(name: str) -> None:
    op.drop_index(name, table_name="feed_item", postgresql_concurrently=True, if_exists=True)
