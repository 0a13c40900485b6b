"""Choose recordings of which a model is sure: the page offers them, to be accepted or taken out with a glance."""

from motor.experiment.looping import Looping
from motor.looping.questions import Candidates, suggestions
from motor.review.database.queues import SURE, Question

STRANGE = 0.95  # share of what training holds that a recording is more unlike than


def sure(candidates: Candidates, settings: Looping) -> list[Question]:
    """Return the unlabelled recordings of which a model is surest, class by class, those first that need a look.

    The model has seen no label of their motors, and they are not unlike all that it was trained on: of what it does
    not know, a model is sure without a reason.

    Parameters
    ----------
    candidates : Candidates
        Of training and validation motors alone.
    settings : Looping
    """
    is_open = candidates.meta["label"].isna()
    open_items = set(candidates.meta.loc[is_open, "item"])
    rows = []
    for item, suggestion in suggestions(candidates).items():
        label, probability = max(suggestion["probabilities"].items(), key=lambda pair: pair[1], default=("", 0.0))
        if item in open_items and probability >= settings.sure_from and suggestion["unlike"] <= STRANGE:
            rows.append((label, probability, item, suggestion))
    surest = sorted(rows, key=lambda row: (-row[1], row[2]))[: settings.sure]
    by_class = sorted(surest, key=lambda row: (row[0], row[1], row[2]))
    return [Question(item, SURE, suggestion=suggestion) for _, _, item, suggestion in by_class]
