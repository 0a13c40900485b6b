"""TAPR's own: scales from the newest end, classes by thirds and quarters of the training windows."""

import numpy as np
import torch

from motor.backbones.batch import Batch
from motor.backbones.modules.attached.part import Seen, Site
from motor.backbones.modules.base import Asked
from motor.backbones.modules.tapr import PLUGIN as Tapr
from motor.backbones.modules.tapr.network import EXPECTED, pooled_from_newest, rises
from motor.backbones.torch_forecaster import normalised_batch


def batch_of(n_windows: int) -> Batch:
    window_BN = np.random.default_rng(1).standard_normal((n_windows, 48)).cumsum(axis=1).astype(np.float32)
    return Batch(window_BN[:, :32], window_BN[:, 32:], np.zeros(n_windows, dtype=np.int64))


class Walks:
    def even(self, windows_per_series):
        return [batch_of(windows_per_series * 20)]


def test_scales_are_pooled_from_the_newest_end():
    pooled = pooled_from_newest(torch.arange(9.0)[None, None], 4)
    assert pooled.flatten().tolist() == [0.0, 2.5, 6.5]
    assert torch.equal(pooled_from_newest(torch.arange(9.0)[None, None], 1).flatten(), torch.arange(9.0))


def test_fewer_tokens_than_a_scale_pools_still_give_one():
    router = Tapr(n_scales=4, width=8).part(Site(6, 32, 16, (0.5,)))
    by_BLD, mean_BW, trend_BW = router.scales(torch.randn(2, 5, 6))
    assert by_BLD.shape == (2, 5, 6)
    assert mean_BW.shape == trend_BW.shape == (2, 8)
    assert not by_BLD.any()


def test_thresholds_part_training_windows_into_thirds_and_quarters():
    router = Tapr(width=8).part(Site(None, 32, 16, (0.5,)))
    router.learn(Walks())
    rise_B = rises(normalised_batch(batch_of(160).tensors())[0], 16)
    for edges, share in ((router.direction_edges, 1 / 3), (router.size_edges, 1 / 4)):
        counts = torch.bucketize(rise_B, edges).bincount() / 160
        torch.testing.assert_close(counts, torch.full_like(counts, share), atol=0.01, rtol=0)
    together = torch.stack([torch.bucketize(rise_B, edges) for edges in (router.direction_edges, router.size_edges)])
    seen = torch.zeros(3, 4).index_put_(tuple(together), torch.ones(160), accumulate=True)
    torch.testing.assert_close(seen / seen.sum(dim=1, keepdim=True), torch.tensor(EXPECTED), atol=0.03, rtol=0)


def test_windows_of_unknown_future_are_not_in_the_losses():
    router = Tapr(width=8).part(Site(None, 32, 16, (0.5,)))
    router.learn(Walks())
    whole = batch_of(8).tensors()
    gappy = whole._replace(future_BH=whole.future_BH.clone())
    gappy.future_BH[4:] = torch.nan
    of_all, of_half = (
        router.change(torch.zeros(8, 16, 1), Seen(one, *normalised_batch(one))).losses for one in (whole, gappy)
    )
    half = router.change(torch.zeros(4, 16, 1), Seen(*[whole.rows(slice(4))], *normalised_batch(whole.rows(slice(4)))))
    torch.testing.assert_close(of_half["tapr_direction"], half.losses["tapr_direction"] / 2)
    assert of_all["tapr_direction"] != of_half["tapr_direction"]


def test_sixty_four_patches_are_too_few_for_four_scales():
    assert [why for _, why in Tapr(n_scales=4).incompatibilities(Asked(64, 1024, 64))] != []
    assert (
        [*Tapr(n_scales=4).incompatibilities(Asked(128, 2048, 64))]
        == [*Tapr(n_scales=3).incompatibilities(Asked(32, 512, 64))]
        == []
    )
