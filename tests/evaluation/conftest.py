"""Seeded tables of predictions, and cells made of them."""

import numpy as np
import pandas as pd
import pytest

from motor.evaluation.metrics import classification_metrics
from motor.evaluation.report import CellResult, ReportContext
from motor.evaluation.thresholds import apply_thresholds, choose_thresholds

CLASSES = ("normal", "spark", "vibrate")


@pytest.fixture(scope="session")
def make_predictions():
    """Give a function that makes predictions whose quality is a number (0 is guessing)."""

    def make(quality=1.5, seed=0, classes=CLASSES, domains=("ShengYing", "ZhenDong"), n_motors=8, n_series=3):
        generator = np.random.default_rng(seed)
        rows = []
        for index, label in enumerate(classes):
            for motor in range(n_motors):
                for domain in domains:
                    logits = generator.normal(size=(n_series, len(classes)))
                    logits[:, index] += quality
                    for series, values in enumerate(np.exp(logits)):
                        row = {"item": f"{label}-{motor}-{domain}-{series}", "motor": f"{label}-{motor}"}
                        row |= {"domain": domain, "label": label, "fold": "0"}
                        row |= {"predicted": classes[int(values.argmax())]}
                        rows.append(row | dict(zip(_columns(classes), values / values.sum(), strict=True)))
        table = pd.DataFrame(rows)
        table["alarm"] = apply_thresholds(table, choose_thresholds(table, classes[0], 0.1))
        return table

    return make


def _columns(classes):
    return [f"probability_{name}" for name in classes]


@pytest.fixture(scope="session")
def make_cell(make_predictions):
    """Give a function that makes a finished cell; its domain is one domain or Joint."""

    def make(quality, seed=0, method="C", domain="Joint", n_motors=8, **axes):
        domains = ("ShengYing", "ZhenDong") if domain == "Joint" else (domain,)
        predictions = make_predictions(quality, seed, domains=domains, n_motors=n_motors)
        coordinates = {"method": method, "domain": domain, **axes}
        return CellResult(
            axes=coordinates,
            metrics=classification_metrics(predictions, CLASSES, "normal"),
            folder="/".join(map(str, coordinates.values())),
            predictions=predictions,
            skill={"normal": 0.7, "spark": 1.0, "vibrate": 0.9},
            training={"steps": [600, 800], "best_step": [500, 700], "validation_loss": [0.3, 0.2]},
            n_fits=2,
            figures=("figures/confusion.png", "figures/roc pr.png"),
        )

    return make


@pytest.fixture(scope="session")
def context():
    return ReportContext(
        name="test grid",
        command="python launch.py test.yaml",
        classes=CLASSES,
        normal="normal",
        two_stage_pairs={"C": "C_two_stage"},
        settings=(("prediction_length", "1024"),),
        dataset={"counts": [{"domain": "ShengYing", "label": "spark", "series": 24, "motors": 8}], "digest": "4be1"},
        versions={"python": "3.11"},
    )
