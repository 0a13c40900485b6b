from motor.report.html.cell import worst_cases


def signal_of(row):
    return {key: row[key] for key in ("item", "domain", "label", "predicted")} | {"probability": 0.9}


def test_worst_cases_are_the_cells_own_where_it_has_some(grid):
    row = grid[0].predictions.iloc[0]
    assert list(worst_cases(grid[0], ["a"], {"a": signal_of(row), "b": signal_of(row)})) == ["a"]


def test_worst_cases_of_another_cell_are_told_as_this_one_took_them(grid):
    predictions = grid[0].predictions
    wrong = predictions[predictions["predicted"] != predictions["label"]].iloc[0]
    right = predictions[predictions["predicted"] == predictions["label"]].iloc[0]
    signals = {"wrong": signal_of(wrong) | {"predicted": "another"}, "right": signal_of(right)}
    found = worst_cases(grid[0], [], signals)
    assert {name: case["predicted"] for name, case in found.items()} == {"wrong": wrong["predicted"]}
    probabilities = [wrong[f"probability_{name}"] for name in grid[0].metrics["classes"]]
    assert found["wrong"]["probability"] == max(probabilities)
