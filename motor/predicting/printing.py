"""Predictions as text: CSV or JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from motor.lazy import pandas as pd
from motor.predicting.cell import EVIDENCE, HAS_REFERENCE, SEVERITY

FORMATS = ("csv", "json")


def as_rows(predictions: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return predictions ready for JSON, with ``probabilities`` by class or, of a detector, ``score``."""
    start = "probability_"
    rows = []
    for row in predictions.to_dict("records"):
        probabilities = {name.removeprefix(start): float(row[name]) for name in row if name.startswith(start)}
        judged: dict[str, Any] = {"score": float(row["score"])} if "score" in row else {"probabilities": probabilities}
        fields = {name: str(row[name]) for name in ("item", "domain", "label")}
        known: dict[str, Any] = {name: bool(row[name]) for name in ("alarm", HAS_REFERENCE) if name in row}
        known |= {name: None if pd.isna(row[name]) else row[name] for name in SEVERITY if name in row}
        known |= {EVIDENCE: row[EVIDENCE]} if EVIDENCE in row else {}
        rows.append({**fields, **judged, "unlike": float(row["unlike"]), **known})
    return rows


def as_text(predictions: "pd.DataFrame", form: str) -> str:
    """Return predictions as ``csv`` or ``json``, with a line's end."""
    if form == "json":
        return json.dumps({"predictions": as_rows(predictions)}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if EVIDENCE in predictions:
        predictions = predictions.assign(**{EVIDENCE: predictions[EVIDENCE].map(_evidence_text)})
    return predictions.to_csv(index=False)


def _evidence_text(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return lines as ``outer_race 3.58 x 104.6 Hz 14.2 dB; ...``."""
    texts = []
    for line in lines:
        weak = "" if line["stands_out"] else " (weak)"
        named = line["component"] or "unknown"
        texts.append(f"{named} {line['order']:g} x {line['hertz']:g} Hz {line['height_db']:g} dB{weak}")
    return "; ".join(texts)
