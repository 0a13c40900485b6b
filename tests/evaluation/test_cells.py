"""Coordinates: which axes are shown, and how."""

from dataclasses import replace

from motor.evaluation.cells import axes_text, axis_text, cell_key, varying_axes


def test_varying_axes_of_one_value_and_none_is_not_shown(make_cell):
    cells = [make_cell(1.0, method="A", context_length=512), make_cell(1.0, method="order", context_length=None)]
    assert varying_axes(cells) == ["method", "domain"]


def test_varying_axes_of_two_values_is_shown(make_cell):
    cells = [make_cell(1.0, context_length=length) for length in (512, 1024, None)]
    assert varying_axes(cells) == ["method", "domain", "context_length"]


def test_axis_text_of_no_value_is_a_dash():
    assert axis_text("context_length", None) == "context –"


def test_axes_text_leaves_out_what_means_nothing():
    assert axes_text(
        {"method": "order", "context_length": None, "classifier": "lda"}, ["method", "context_length"]
    ) == ("method order")


def test_cell_key_knows_no_order_and_leaves_out_axes():
    assert cell_key({"seed": 1, "method": "A", "domain": "x"}, "seed") == cell_key({"domain": "x", "method": "A"})


def test_cell_without_held_out_rows_has_an_empty_table(make_cell):
    assert replace(make_cell(1.0), folder="elsewhere").held_out.empty
