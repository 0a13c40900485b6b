from dataclasses import replace

import pytest

from motor.evaluation.scores import score_cells
from motor.report.findings.advice import advise, control_differences
from motor.report.wording import outcome


def with_axes(cells, levels, axis):
    """Turn the simulated methods m0, m1, ... into levels of an axis."""
    named = {f"m{place}": level for place, level in enumerate(levels)}
    return [
        replace(cell, axes={"method": "C", "domain": cell.axes["domain"], axis: named[cell.axes["method"]]})
        for cell in cells
    ]


def answers(cells, context):
    """Return each question's advice by its kind and subject."""
    return {(found.kind, found.subject): found for found in advise(cells, score_cells(cells, context.classes), context)}


def outcomes(advice):
    return {one.first: outcome(one) for one in advice.differences}


@pytest.mark.parametrize(
    ("skills", "expected"), [((4.0, 1.0), "pays"), ((1.0, 4.0), "pays_not"), ((1.5, 1.5), "cannot_tell")]
)
def test_fine_tuning_is_judged_against_the_untrained_control(simulate, truth, skills, expected):
    cells = simulate(skills, 2, methods=("C", "untrained"))
    found = answers(cells, replace(truth, controls={"C": "untrained"}))["fine-tuning", ""]
    assert outcomes(found) == {"C": expected}
    assert found.differences[0].n_motors == 48


def test_fine_tuning_names_the_methods_for_which_it_pays(simulate, truth):
    cells = simulate((4.0, 1.0, 1.0), 2, methods=("C", "B", "untrained"))
    context = replace(truth, controls={"C": "untrained", "B": "untrained", "A": "untrained_A"})
    assert outcomes(answers(cells, context)["fine-tuning", ""]) == {"C": "pays", "B": "cannot_tell"}
    assert set(control_differences(cells, score_cells(cells, truth.classes), context)) == {"B", "C"}


def test_fine_tuning_without_a_control_is_no_question(simulate, truth):
    assert ("fine-tuning", "") not in answers(simulate((2.0, 1.0), 2), truth)


def test_each_representation_is_judged_against_the_raw_signal(simulate, truth):
    cells = with_axes(simulate((1.0, 4.0, 1.0), 3), ("raw", "order_envelope", "decimated"), "representation")
    found = answers(cells, truth)
    assert found["axis", "representation"].levels.not_worse == ["order_envelope"]
    advice = found["plain level", "representation"]
    assert outcomes(advice) == {"order_envelope": "pays", "decimated": "cannot_tell"}
    assert [(one.first, one.second) for one in advice.differences] == [("order_envelope", "raw"), ("decimated", "raw")]


def test_longer_contexts_are_judged_against_the_shortest(simulate, truth):
    cells = with_axes(simulate((1.0, 4.0, 1.0), 3), (512, 2048, 8192), "context_length")
    advice = answers(cells, truth)["plain level", "context_length"]
    assert outcomes(advice) == {2048: "pays", 8192: "cannot_tell"}
    assert {one.second for one in advice.differences} == {512}


@pytest.mark.parametrize("axis", ["scaling", "prediction_length", "patch_length"])
def test_new_axes_are_questions(simulate, truth, axis):
    cells = with_axes(simulate((4.0, 1.0), 3), (1, 2), axis)
    assert answers(cells, truth)["axis", axis].levels.not_worse == [1]


def test_axis_that_means_nothing_for_a_method_is_not_compared_with_it(simulate, truth):
    cells = with_axes(simulate((1.0, 1.2, 9.0), 3), (512, 1024, None), "context_length")
    cells = [
        replace(cell, axes={**cell.axes, "method": "order"}) if cell.axes["context_length"] is None else cell
        for cell in cells
    ]
    found = answers(cells, truth)
    assert set(found["axis", "context_length"].levels.means) == {512, 1024}
    assert found["axis", "method"].levels.not_worse == ["order"]


def test_seeds_are_no_question(simulate, truth):
    subjects = [subject for _, subject in answers(with_axes(simulate((4.0, 1.0), 3), (1, 2), "seed"), truth)]
    assert "seed" not in subjects


def test_differences_say_how_many_motors_would_do(simulate, truth):
    (difference,) = answers(simulate((1.7, 1.5), 1, n_motors=4), truth)["axis", "method"].differences
    assert difference.motors_needed > difference.n_motors
    assert 0 < difference.smallest_shown < 1
