"""Every kind of fine-tune, of both families, at three contexts, by one and two workers, loaded by the stock library."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.stages.finetune import Workplace

HERE = Path(__file__).parent
CONTEXTS = (64, 128, 256)
AXES = ("axes.method=[A, C, C_two_stage, C_lora]", "axes.domain=[Joint]", f"axes.context_length={list(CONTEXTS)}")
EXACT = (
    "finetune.precision=float32",
    "finetune.dropout_rate=0.0",
    "finetune.num_steps=6",
    "finetune.learning_rate=1e-3",
)
FAMILIES = {
    "bolt": (),
    "chronos2": ("backbone={kind: chronos2, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_heads: 2}",),
}
STOCK = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
sys.modules["motor"] = sys.modules["grid"] = None  # importing them raises
from stock_program import forecast
from pathlib import Path
for task in json.loads(Path(sys.argv[2]).read_text()):
    contexts = np.load(task["contexts"])
    np.save(task["out"], forecast(Path(task["folder"]), contexts, task["names"], 16, task["levels"]))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=FAMILIES)
def trained(request, make_tiny, tmp_path_factory):
    """Each fine-tune by one worker, in the store, and by two, in a folder of its own."""
    root = tmp_path_factory.mktemp(request.param)
    tiny = make_tiny(root, *AXES, *EXACT, *FAMILIES[request.param]).build_stages("finetune")
    tasks = []
    for stage in tiny.stages("finetune"):
        draft = root / "two" / stage.key
        draft.mkdir(parents=True)
        inputs = {source.key: tiny.folder(source) for source in stage.inputs}
        tasks.append((stage, Workplace(draft, root / "work" / stage.key, inputs, tiny.context(stage).resources)))
    (root / "tasks.pkl").write_bytes(pickle.dumps(tasks))
    ranks = [subprocess.Popen([sys.executable, str(HERE / "ranks.py"), str(rank), "2", str(root)]) for rank in (0, 1)]
    assert [rank.wait() for rank in ranks] == [0, 0]
    return root, [(stage, (tiny.folder(stage), at.draft)) for stage, at in tasks]


def test_predictors_are_of_every_kind(trained):
    _, folders = trained
    made = {(stage.labels, stage.start is not None, stage.training.lora is not None) for stage, _ in folders}
    kinds = {("normal", False, False), ("all", False, False), ("all", True, False), ("all", False, True)}
    assert made >= kinds
    assert {stage.context_length for stage, _ in folders} == set(CONTEXTS)


def test_predictors_of_two_workers_follow_the_curve_of_one(trained):
    """The curves are compared, not the weights: Adam makes as much of a gradient of rounding errors as of another."""
    _, folders = trained
    for _, both in folders:
        told = [json.loads((folder / "training.json").read_text()) for folder in both]
        for row, twin in zip(*(each["history"] for each in told), strict=True):
            assert row == pytest.approx(twin, abs=1e-4)


def test_predictors_forecast_in_the_stock_library_as_in_the_engine(trained):
    root, folders = trained
    tasks, expected = [], []
    for stage, both in folders:
        contexts = np.random.default_rng(0).normal(size=(3, stage.context_length)).astype(np.float32)
        np.save(root / f"contexts-{stage.context_length}.npy", contexts)
        domain_B, names = torch.tensor([1, 0, 1]), [stage.domains[place] for place in (1, 0, 1)]
        for folder in both:
            forecaster = stage.backbone.load(folder / "predictor", stage.domains)
            quantiles_BHQ = forecaster.predict_quantiles(Batch(torch.tensor(contexts), None, domain_B)).numpy()
            levels = list(forecaster.model_levels)
            places = [levels.index(level) for level in stage.quantile_levels]
            expected.append((quantiles_BHQ, places))
            out = str(root / f"stock-{len(tasks)}.npy")
            task = {"folder": str(folder / "predictor"), "contexts": str(root / f"contexts-{stage.context_length}.npy")}
            tasks.append(task | {"names": names, "levels": levels, "out": out})
    (root / "stock.json").write_text(json.dumps(tasks))
    program = [sys.executable, "-c", STOCK, str(HERE.parent / "backbones" / "chronos"), str(root / "stock.json")]
    subprocess.run(program, check=True, cwd=root, capture_output=True)
    for task, (quantiles_BHQ, places) in zip(tasks, expected, strict=True):
        stock_BHQ = np.sort(np.load(task["out"]), axis=-1)[..., places]
        np.testing.assert_allclose(stock_BHQ, quantiles_BHQ, rtol=0, atol=1e-5)
