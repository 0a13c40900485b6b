"""Increments beside cumulative fine-tunes in one loop: the report has both, and says which won at how many steps."""

import pytest

from motor.commands.loop import run_loop
from motor.looping.reporting import as_markdown
from motor.methods import C_increment
from tests.looping.conftest import begin

pytestmark = pytest.mark.slow  # three small fine-tunes
CONFIG = """\
seed: 5
dataset: {kind: simulator, motors_per_class: 8, n_samples: 8192, sampling_rate_hz: 16384, recordings_per_motor: 1}
split: {kind: ratio, train: 4, validation: 2, test: 2}
representation: {kind: order_envelope, samples_per_revolution: 64}
scaling: {by: item}
backbone: {kind: bolt, d_model: 32, d_kv: 8, d_ff: 64, num_layers: 1, num_decoder_layers: 1, input_patch_size: 32}
windows: {prediction_length: 64, per_series: 2, per_series_features: 4}
finetune: {num_steps: 60, learning_rate: 1e-3, batch_size: 16, precision: float32}
axes: {method: [C, C_increment], domain: [Joint], context_length: [512], classifier: [lda]}
loop: {known: test, reviewer: truth, first: 24, batch: 12, random_share: 0.5}
"""


def test_report_of_a_loop_says_which_won_at_60_percent_of_the_steps(store, tmp_path):
    opening = begin(CONFIG, store, tmp_path)
    run_loop(opening(), 2, lambda line: None)
    manager = opening().manager
    rivals = manager.model(2).rivals
    increment, cumulative = (rivals[f"{name}/Joint/512/lda"] for name in ("C_increment", "C"))
    assert (increment[1], cumulative[1]) == (60 * C_increment.PLUGIN().steps, 60)
    text = as_markdown(manager.get_iteration_metrics(), {2: manager.model(2)})
    (line,) = [line for line in text.splitlines() if line.startswith("C_increment/Joint/512/lda, iteration 2")]
    assert f"macro-F1 {increment[0]:.3f}, cumulative {cumulative[0]:.3f}" in line
    assert "60 % of the steps" in line
