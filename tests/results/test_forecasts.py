"""What fine-tunes forecast is gathered once for all cells that share them."""

from motor.report import CellResult
from motor.results.forecasts import forecasts_of, forecasts_table


def test_forecasts_of_a_grid_are_those_of_its_fine_tunes(tiny_built):
    cells = [cell for cell in tiny_built.plan.cells if tiny_built.store.holds(cell.stage)]
    results = [CellResult(cell.axes, {}, "", None) for cell in cells]
    found = forecasts_of(cells, results, tiny_built.store)
    joint = {one.axes["method"]: one for one in found if one.axes["domain"] == "Joint"}
    assert set(joint) == {"A+B", "C", "C_two_stage"}  # A and B share one
    assert {(row["domain"], row["label"]) for row in joint["C"].classes} == {
        (domain, label) for domain in ("ShengYing", "ZhenDong") for label in ("normal", "spark", "vibrate")
    }
    assert all(0 <= row["cover"] <= 1 and row["crps"] > 0 for one in found for row in one.classes)
    table = forecasts_table(found)
    assert len(table) == sum(len(one.classes) for one in found)
    assert {"axis_method", "domain", "label", "cover", "crps", "std_ratio", "nominal"} <= set(table)
