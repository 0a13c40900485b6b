"""Sure ones: of motors that the model saw no label of, by class, never what nobody may be sure of."""

import pandas as pd

from motor.experiment.looping import Looping
from motor.looping.questions import Candidates
from motor.looping.sure import sure

# item: motor, label, probability of normal, unlike
ROWS = {
    "seen": ("m0", "normal", 0.99, 0.5),
    "of_a_seen_motor": ("m0", None, 0.99, 0.5),
    "normal": ("m1", None, 0.98, 0.5),
    "surer": ("m2", None, 0.99, 0.5),
    "unsure": ("m3", None, 0.9, 0.5),
    "strange": ("m4", None, 0.99, 0.99),
    "spark": ("m5", None, 0.03, 0.5),
}


def candidates():
    meta = pd.DataFrame([(item, row[0], row[1]) for item, row in ROWS.items()], columns=["item", "motor", "label"])
    said = [(item, row[2], 1 - row[2], row[3]) for item, row in ROWS.items()]
    columns = ["item", "probability_normal", "probability_spark", "unlike"]
    return Candidates(meta, pd.DataFrame(said, columns=columns).set_index("item"), 0)


def test_sure_ones_stand_by_class_and_the_least_sure_first():
    found = sure(candidates(), Looping())
    assert [one.item for one in found] == ["normal", "surer", "spark"]
    assert found[0].suggestion["probabilities"] == {"normal": 0.98, "spark": 0.02}
    assert not any(one.is_blind or one.chance for one in found)


def test_only_the_surest_are_offered_where_few_are_wanted():
    assert [one.item for one in sure(candidates(), Looping(sure=1))] == ["surer"]
    assert sure(candidates(), Looping(sure=0)) == []
    assert sure(candidates(), Looping(sure_from=1.0)) == []
