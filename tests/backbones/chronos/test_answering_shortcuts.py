"""Answers are the same with less work for them, and only where a window is alone."""

import pytest
import torch
from chronos.chronos2.layers import GroupSelfAttention

from motor.backbones.batch import Batch
from motor.registry import plugins


def attends_over_groups(forecaster):
    """Whether group attention compares rows: it then needs queries."""
    seen = []
    modules = [module for module in forecaster.model.modules() if isinstance(module, GroupSelfAttention)]
    hooks = [module.self_attention.q.register_forward_hook(lambda *_: seen.append(1)) for module in modules]
    context = torch.zeros(2, forecaster.context_length)
    forecaster.predict_quantiles(Batch(context, None, torch.zeros(2, dtype=torch.long)))
    for hook in hooks:
        hook.remove()
    return bool(seen)


def test_answering_shortcuts_are_the_same(forecaster, windows):
    context, _, domain = windows
    forecast, embedding = (
        forecaster.predict_quantiles(Batch(context, None, domain)),
        forecaster.embed(Batch(context, None, domain)),
    )
    with forecaster.answering_shortcuts():
        torch.testing.assert_close(
            forecaster.predict_quantiles(Batch(context, None, domain)), forecast, rtol=0, atol=1e-6
        )
        torch.testing.assert_close(forecaster.embed(Batch(context, None, domain)), embedding, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "domains", "is_short"),
    [({}, ("one",), True), ({}, ("one", "other"), False), ({"sensors": "together"}, ("one",), False)],
)
def test_answering_shortcuts_group_attention_is_left_out_only_where_a_window_is_alone(
    create, settings, domains, is_short
):
    backbone = plugins("motor.backbones")["chronos2"](d_model=16, d_kv=8, d_ff=32, num_layers=1, **settings)
    forecaster = create(backbone, domains)
    assert attends_over_groups(forecaster)
    with forecaster.answering_shortcuts():
        assert attends_over_groups(forecaster) is not is_short
    assert attends_over_groups(forecaster)


def test_answering_shortcuts_leave_a_linear_forecaster_as_it_is():
    forecaster = plugins("motor.backbones")["linear"]().create(64, 16, (0.1, 0.5, 0.9), 0.0, ("one",), 0)
    with forecaster.answering_shortcuts():
        assert forecaster.prediction_length == 16
