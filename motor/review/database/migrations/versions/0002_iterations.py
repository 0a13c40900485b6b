"""Iterations of a loop, and names of model versions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "iteration",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("opened_at", sa.String, nullable=False),
        sa.Column("label_set", sa.String),
        sa.Column("closed_at", sa.String),
        sa.Column("verdict", sa.String),
    )
    op.create_table(
        "alias",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("cell", sa.String, nullable=False),
        sa.Column("iteration", sa.Integer, nullable=False),
        sa.Column("set_at", sa.String, nullable=False),
        sa.Column("set_by", sa.String, nullable=False),
    )
