"""Predictions as text: CSV or JSON."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "json")


def as_rows(predictions: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return predictions ready for JSON, with ``probabilities`` by class."""
    start = "probability_"
    rows = []
    for row in predictions.to_dict("records"):
        probabilities = {name.removeprefix(start): float(row[name]) for name in row if name.startswith(start)}
        told = {name: str(row[name]) for name in ("item", "domain", "label")}
        alarm, unlike = bool(row["alarm"]), float(row["unlike"])
        rows.append({**told, "probabilities": probabilities, "alarm": alarm, "unlike": unlike})
    return rows


def as_text(predictions: "pd.DataFrame", form: str) -> str:
    """Return predictions as ``csv`` or ``json``, with a line's end."""
    if form == "json":
        return json.dumps({"predictions": as_rows(predictions)}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return predictions.to_csv(index=False)
