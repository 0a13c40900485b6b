import numpy as np
import pandas as pd
import pytest

from motor.features.base import WindowFeatures


def part(*values: float, residuals: bool = False) -> WindowFeatures:
    frame = pd.DataFrame({"x": values})
    return WindowFeatures(frame, np.outer(values, np.ones(3)) if residuals else None)


def test_join_keeps_rows_residuals_and_names_in_step():
    joined = WindowFeatures.join([part(1, 2, residuals=True), part(3, residuals=True)], ["a", "b", "b"], [0, 0, 1])
    assert joined.frame.loc[("b", 1), "x"] == 3
    np.testing.assert_array_equal(joined.residuals_BH[:, 0], joined.frame["x"])


def test_join_without_residuals_has_none():
    assert WindowFeatures.join([part(1), part(2)], ["a", "a"], [0, 1]).residuals_BH is None


@pytest.mark.parametrize(
    ("items", "windows", "message"), [(["a"], [0], "2 rows"), (["a", "a"], [1, 1], "window 1 of item 'a' comes twice")]
)
def test_join_that_does_not_fit_raises(items, windows, message):
    with pytest.raises(ValueError, match=message):
        WindowFeatures.join([part(1, 2)], items, windows)
