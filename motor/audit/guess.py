"""Score one cue alone through a simple classifier, under the grid's own split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.resampling import (
    chance_levels,
    macro_f1,
    motor_confusions,
    motor_weights,
    percentile_interval,
    weighted_confusions,
)
from motor.evaluation.sheet import class_codes
from motor.lazy import pandas as pd
from motor.lazy import sklearn

N_TREES = 50
MOST_TRAINING_ROWS = 20000
MOST_RESAMPLED = 2000  # groups of motors whose weights are drawn; more motors share their weights


@dataclass(frozen=True)
class Score:
    """Macro-F1 of the pooled test predictions of all folds, its interval, and that of naming each class equally."""

    macro_f1: float | None
    interval: tuple[float, float] | None
    chance: float | None


def predict(cue: str, rows: "pd.DataFrame", seed: int) -> "pd.DataFrame":
    """Predict the test recordings of every fold from one cue.

    Parameters
    ----------
    cue : str
        A column of `rows` without NaN.
    rows : DataFrame
        One domain's recordings in each fold: fold, motor, label, side and the cue.
    seed : int

    Returns
    -------
    DataFrame
        motor, label, predicted: one row for each test recording of each fold.
    """
    parts = [rows.head(0)[["motor", "label"]].assign(predicted="")]
    for _, of_fold in rows.groupby("fold"):
        train, test = (of_fold[of_fold["side"] == side] for side in ("train", "test"))
        if train.empty or test.empty:
            continue
        train = train.sample(MOST_TRAINING_ROWS, random_state=seed) if len(train) > MOST_TRAINING_ROWS else train
        leaf = max(1, len(train) // 500)
        trees = sklearn.ensemble.ExtraTreesClassifier(
            N_TREES, min_samples_leaf=leaf, class_weight="balanced", random_state=seed
        )
        # By their places: scikit-learn takes classes that are called 0, 1, ... for numbers, but not everywhere.
        names, places = np.unique(train["label"].to_numpy(dtype=str), return_inverse=True)
        trees.fit(train[[cue]].to_numpy(), places)
        parts.append(test[["motor", "label"]].assign(predicted=names[trees.predict(test[[cue]].to_numpy())]))
    return pd.concat(parts, ignore_index=True)


def score(predictions: "pd.DataFrame", classes: Sequence[str]) -> Score:
    """Judge predictions (motor, label, predicted), with an interval that resamples motors within their classes."""
    if predictions.empty:
        return Score(None, None, None)
    groups, strata = _groups(predictions)
    true, predicted = (class_codes(predictions[name], tuple(classes)) for name in ("label", "predicted"))
    confusions = motor_confusions(true, predicted, groups, len(strata), len(classes))
    values = macro_f1(weighted_confusions(motor_weights(strata), confusions))
    chance = chance_levels(np.bincount(true, minlength=len(classes)).astype(np.float64))["uniform"]
    return Score(float(values[0]), percentile_interval(values), chance)


def _groups(predictions: "pd.DataFrame") -> tuple[NDArray[np.intp], list[tuple[str, ...]]]:
    """Return the group of motors that each row belongs to (a motor, unless there are very many), and its classes."""
    labels = predictions.groupby("motor")["label"].agg(lambda found: tuple(sorted(set(found))))
    ordered = labels.sort_values(kind="stable")
    stratum = ordered.map({found: place for place, found in enumerate(sorted(set(ordered)))})
    share = max(1.0, len(ordered) / MOST_RESAMPLED)
    within = stratum.groupby(stratum).cumcount() // int(np.ceil(share))
    keys = list(zip(ordered, within, strict=True))
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    group_of = dict(zip(ordered.index, (numbers[key] for key in keys), strict=True))
    return predictions["motor"].map(group_of).to_numpy(np.intp), [found for found, _ in numbers]
