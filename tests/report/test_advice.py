from dataclasses import replace

import pytest

from motor.evaluation.scores import score_cells
from motor.report.advice import advise, control_differences


def with_axes(cells, levels, axis):
    """Turn the simulated methods m0, m1, ... into levels of an axis."""
    named = {f"m{place}": level for place, level in enumerate(levels)}
    return [
        replace(cell, axes={"method": "C", "domain": cell.axes["domain"], axis: named[cell.axes["method"]]})
        for cell in cells
    ]


def answers(cells, context):
    return {found.question: found for found in advise(cells, score_cells(cells, context.classes), context)}


@pytest.mark.parametrize(
    ("skills", "expected"),
    [
        ((4.0, 1.0), "**pays** for C"),
        ((1.0, 4.0), "**does not pay**: leave the forecaster as it came"),
        ((1.5, 1.5), "**cannot tell** (48 motors): leave the forecaster as it came, which saves every fine-tune"),
    ],
)
def test_fine_tuning_is_judged_against_the_untrained_control(simulate, truth, skills, expected):
    cells = simulate(skills, 2, methods=("C", "untrained"))
    assert answers(cells, replace(truth, controls={"C": "untrained"}))["Does fine-tuning pay?"].answer == expected


def test_fine_tuning_names_the_methods_for_which_it_pays(simulate, truth):
    cells = simulate((4.0, 1.0, 1.0), 2, methods=("C", "B", "untrained"))
    context = replace(truth, controls={"C": "untrained", "B": "untrained", "A": "untrained_A"})
    answer = answers(cells, context)["Does fine-tuning pay?"].answer
    assert answer == "**pays** for C (C pays; B cannot tell (48 motors))"
    assert set(control_differences(cells, score_cells(cells, truth.classes), context)) == {"B", "C"}


def test_fine_tuning_without_a_control_is_no_question(simulate, truth):
    assert "Does fine-tuning pay?" not in answers(simulate((2.0, 1.0), 2), truth)


def test_each_representation_is_judged_against_the_raw_signal(simulate, truth):
    cells = with_axes(simulate((1.0, 4.0, 1.0), 3), ("raw", "order_envelope", "decimated"), "representation")
    found = answers(cells, truth)
    assert found["Which representation?"].answer == "**order_envelope** pays"
    told = found["Does each representation pay over raw?"]
    assert told.answer == "order_envelope pays; decimated cannot tell (48 motors)"
    assert [(one.first, one.second) for one in told.differences] == [("order_envelope", "raw"), ("decimated", "raw")]


def test_longer_contexts_are_judged_against_the_shortest(simulate, truth):
    cells = with_axes(simulate((1.0, 4.0, 1.0), 3), (512, 2048, 8192), "context_length")
    assert answers(cells, truth)["Does a longer context pay?"].answer == "2048 pays; 8192 cannot tell (48 motors)"


@pytest.mark.parametrize(
    ("axis", "question"),
    [
        ("scaling", "Which scaling?"),
        ("prediction_length", "Which forecast horizon?"),
        ("patch_length", "Which patch length?"),
    ],
)
def test_new_axes_are_questions(simulate, truth, axis, question):
    cells = with_axes(simulate((4.0, 1.0), 3), (1, 2), axis)
    assert "pays" in answers(cells, truth)[question].answer


def test_axis_that_means_nothing_for_a_method_is_not_compared_with_it(simulate, truth):
    cells = with_axes(simulate((1.0, 1.2, 9.0), 3), (512, 1024, None), "context_length")
    cells = [
        replace(cell, axes={**cell.axes, "method": "order"}) if cell.axes["context_length"] is None else cell
        for cell in cells
    ]
    found = answers(cells, truth)
    assert set(found["Which context?"].levels.means) == {512, 1024}
    assert found["Which method?"].answer == "**method order** pays"


def test_seeds_are_no_question(simulate, truth):
    assert not [text for text in answers(with_axes(simulate((4.0, 1.0), 3), (1, 2), "seed"), truth) if "seed" in text]


def test_reasons_say_how_many_motors_would_do(simulate, truth):
    (reason,) = answers(simulate((1.7, 1.5), 1, n_motors=4), truth)["Which method?"].reasons
    assert "motors would show a difference this large; these show 0." in reason
