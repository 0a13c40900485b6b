"""The rows of many reports as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from motor.report.compared.added import Added
from motor.report.compared.joined import Joined, words_of

Rows = list[dict[str, Any]]


def rows_of(joined: Joined, added: Sequence[Added]) -> Rows:
    """Return every row as plain data: figures as the single reports have them, to the last digit."""
    rows: Rows = []
    for place, table in enumerate(joined.tables):
        for row in table.rows:
            fields = {
                name: row.recipe.get(name) for name in ("axes", "is_joint", "family", "score", "interval", "behind")
            }
            fields |= {name: row.recipe.get(name) for name in ("seconds", "backbone")}
            rows.append(
                {
                    "table": place + 1,
                    "dataset": row.report.protocol["dataset"],
                    "data": row.report.protocol["data"],
                    "recipe": words_of(row.identity),
                    "name": row.recipe["name"],
                    "metric": row.report.protocol["metric"],
                    **fields,
                    "seen": row.seen,
                    "pretrained_on": list(row.pretrained_on),
                    "grid": row.report.name,
                    "store": row.report.where,
                }
            )
    return [*rows, *({"table": None, "published": True, **one.model_dump(mode="json")} for one in added)]
