"""Labels of whole motors are hidden."""

import pandas as pd
import pytest

from motor.recordings.shown_labels import hidden_motors

ROWS = [
    (f"{label}{number}", label, domain)
    for label, many in (("normal", 20), ("spark", 8))
    for number in range(many)
    for domain in ("east", "west")
]
META = pd.DataFrame(ROWS, columns=["motor", "label", "domain"])


@pytest.mark.parametrize(("share", "n_normal", "n_spark"), [(0.1, 2, 1), (0.25, 5, 2), (0.5, 10, 4), (1.0, 20, 8)])
def test_hidden_motors_leave_the_share_of_each_class(share, n_normal, n_spark):
    shown = set(META["motor"]) - set(hidden_motors(META, share, seed=3))
    assert sum(motor.startswith("normal") for motor in shown) == n_normal
    assert sum(motor.startswith("spark") for motor in shown) == n_spark


def test_hidden_motors_of_a_greater_share_are_among_those_of_a_smaller():
    hidden = [set(hidden_motors(META, share, seed=5)) for share in (0.5, 0.25, 0.1)]
    assert hidden[0] < hidden[1] < hidden[2]


def test_hidden_motors_depend_on_the_seed_and_not_on_the_order_of_rows():
    found = hidden_motors(META, 0.25, seed=5)
    assert hidden_motors(META.sample(frac=1, random_state=1), 0.25, seed=5) == found
    assert hidden_motors(META, 0.25, seed=6) != found
