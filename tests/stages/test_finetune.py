"""Stage `finetune`."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from grid.run.run import BuildContext, build_stage
from grid.stage import InputError
from motor.backbones.batch import Batch
from motor.backbones.chronos.bolt import BoltForecaster
from motor.backbones.training import TrainingError
from motor.backbones.training.memory import note_tried

STOCK = Path(__file__).parents[1] / "backbones" / "chronos" / "stock_program.py"
CHRONOS2 = "backbone={kind: chronos2, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_heads: 2}"
ALIKE = ("finetune.checkpoint_every=1", "finetune.dropout_rate=0.0", "finetune.precision=float32")
WITHOUT_PROJECT = """
import importlib.util, json, sys
sys.modules["motor"] = sys.modules["grid"] = None  # importing them raises
spec = importlib.util.spec_from_file_location("stock_program", sys.argv[1])
stock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stock)
contexts = stock.np.load(sys.argv[2])
for task in json.loads(sys.argv[3]):
    found = stock.forecast(stock.Path(task["folder"]), contexts, task["names"], 16, task["levels"])
    stock.np.save(task["out"], found)
"""


class CrashInStep2(BuildContext):
    def report(self, **progress):
        if progress.get("step") == 2:
            raise KeyboardInterrupt


def finetuned(tiny, cell):
    return tiny.cell(cell).features[0].finetunes[0]


def weights(tiny, cell):
    return load_file(tiny.folder(finetuned(tiny, cell)) / "predictor" / "model.safetensors")


def test_finetune_folder_holds_what_the_docstring_says(tiny_built, files_of):
    model = {"predictor/config.json", "predictor/model.safetensors", "predictor/forecaster.json"}
    expected = {*model, "training.json", "skill.json", "forecasts.json", "tensorboard/"}
    assert files_of(tiny_built.folder(finetuned(tiny_built, "A/ShengYing/64/lda"))) == expected
    joint = files_of(tiny_built.folder(finetuned(tiny_built, "A/Joint/64/lda")))
    assert joint == {*expected, "predictor/domain_mark.json"}


def test_finetune_history_validates_before_the_first_step_and_at_each_interval(tiny_built):
    told = json.loads((tiny_built.folder(finetuned(tiny_built, "C/Joint/64/lda")) / "training.json").read_text())
    assert [row["step"] for row in told["history"] if "validation_wql" in row] == [0, 2, 4]
    best = min(told["history"], key=lambda row: row["validation_wql"])
    assert told["best"] == {name: best[name] for name in ("step", "validation_wql", "validation_mae")}
    assert (told["n_steps"], told["n_tokens"], told["horizon_method"]) == (4, 5, "native")


def test_finetune_skill_is_by_domain_and_class_of_test_motors_alone(tiny_built):
    skill = json.loads((tiny_built.folder(finetuned(tiny_built, "A/Joint/64/lda")) / "skill.json").read_text())
    classes, domains = ("normal", "spark", "vibrate"), ("ShengYing", "ZhenDong")
    assert {(row["domain"], row["label"]) for row in skill} == {(d, c) for d in domains for c in classes}
    assert {row["n_series"] for row in skill} == {2}


def test_finetune_of_a_and_b_is_one_stage(tiny_built):
    assert finetuned(tiny_built, "A/Joint/64/lda").key == finetuned(tiny_built, "B/Joint/64/lda").key


def test_finetune_two_stage_starts_from_that_of_b(tiny_built):
    second = finetuned(tiny_built, "C_two_stage/Joint/64/lda")
    assert second.start.key == finetuned(tiny_built, "B/Joint/64/lda").key
    assert (second.start.labels, second.labels) == ("normal", "all")


def test_finetune_two_stage_moves_the_last_layers_alone(tiny_built):
    first, second = (weights(tiny_built, f"{method}/Joint/64/lda") for method in ("B", "C_two_stage"))
    moved = {name for name in first if not torch.equal(first[name], second[name])}
    free = ("encoder.final_layer_norm", "decoder.block", "decoder.final_layer_norm", "output_patch_embedding")
    assert moved
    assert all(name.startswith(free) for name in moved)
    assert {name for name in first if name.startswith(("encoder.block", "input_patch_embedding"))} <= set(first) - moved


def test_finetune_all_classes_moves_other_weights_than_normal_alone(tiny_built):
    normal, everything = (weights(tiny_built, f"{method}/Joint/64/lda") for method in ("B", "C"))
    assert any(not torch.equal(normal[name], everything[name]) for name in normal)


def test_finetune_joint_forecast_follows_the_told_domain(tiny_built):
    stage = finetuned(tiny_built, "A/Joint/64/lda")
    forecaster = stage.backbone.load(tiny_built.folder(stage) / "predictor", stage.domains)
    context = torch.randn(1, 64, generator=torch.Generator().manual_seed(0)).repeat(2, 1)
    first, second = forecaster.predict_quantiles(Batch(context, None, torch.tensor([0, 1])))
    assert not torch.allclose(first, second)


def test_finetune_untrained_keeps_the_weights_that_the_seed_gives(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "axes.method=[untrained]").build_stages("finetune", regime="ShengYing")
    (stage,) = (stage for stage in tiny.stages("finetune") if stage.regime == "ShengYing")
    created = stage.backbone.create(64, 16, stage.quantile_levels, 0.1, stage.domains, stage.seed).model.state_dict()
    saved = load_file(tiny.folder(stage) / "predictor" / "model.safetensors")
    assert all(torch.equal(created[name], weight) for name, weight in saved.items())
    assert json.loads((tiny.folder(stage) / "training.json").read_text())["n_steps"] == 0


def test_finetune_goes_on_after_a_crash_and_ends_with_the_same_weights(tiny_built, make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "finetune.checkpoint_every=1").build_stages("prepare")
    stage = finetuned(tiny, "A/ShengYing/64/lda")
    with pytest.raises(KeyboardInterrupt):
        build_stage(stage, tiny.store, CrashInStep2(**vars(tiny.context(stage))))
    assert (tiny.store.work(stage) / "checkpoint.pt").is_file()
    assert not tiny.folder(stage).exists()
    tiny.build_stage(stage)
    whole = tiny_built.folder(finetuned(tiny_built, "A/ShengYing/64/lda"))
    for name in ("predictor/model.safetensors", "training.json", "skill.json"):
        assert (tiny.folder(stage) / name).read_bytes() == (whole / name).read_bytes()
    assert not (tiny.store.root / "unfinished" / f"finetune-{stage.key}").exists()


def test_finetune_says_once_from_which_step_it_goes_on(make_tiny, tmp_path, capsys):
    tiny = make_tiny(tmp_path, "finetune.checkpoint_every=1").build_stages("prepare")
    stage = finetuned(tiny, "A/ShengYing/64/lda")
    with pytest.raises(KeyboardInterrupt):
        build_stage(stage, tiny.store, CrashInStep2(**vars(tiny.context(stage))))
    assert "goes on" not in capsys.readouterr().out
    tiny.build_stage(stage)
    assert capsys.readouterr().out.splitlines().count("goes on from step 1 of 4") == 1


class KilledInStep4(BuildContext):
    """Killed by the kernel, that is: nothing in the process can answer it."""

    def report(self, **progress):
        if progress.get("step") == 4:
            raise KeyboardInterrupt


def test_finetune_with_a_shrunk_batch_goes_on_with_fewer_windows_at_once_in_steps_of_as_many(make_tiny, tmp_path):
    made = []
    for name in ("undisturbed", "killed"):
        (tmp_path / name).mkdir()
        made.append(make_tiny(tmp_path / name, *ALIKE).build_stages("prepare"))
    killed = made[1]
    stage = finetuned(killed, "A/ShengYing/64/lda")
    work = killed.store.work(stage)
    assert stage.shrink_batch(work) is None  # it died before it took any window: fewer would not help
    with pytest.raises(KeyboardInterrupt):
        build_stage(stage, killed.store, KilledInStep4(**vars(killed.context(stage))))
    assert stage.shrink_batch(work).startswith(
        "goes on from the last checkpoint with 2 windows at once, whose gradients"
    )
    for tiny in made:
        tiny.build_stage(finetuned(tiny, "A/ShengYing/64/lda"))
    told = json.loads((killed.folder(stage) / "training.json").read_text())
    assert [row.get("micro_batch") for row in told["history"] if "loss" in row] == [None, 2]
    expected, found = (weights(tiny, "A/ShengYing/64/lda") for tiny in made)
    assert all(torch.allclose(expected[name], found[name], rtol=1e-4, atol=1e-5) for name in expected)


def test_finetune_with_a_shrunk_batch_ends_with_what_cannot_be_parted(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, CHRONOS2.replace("}", ", sensors: together}"), "axes.method=[A]")
    one, both = (finetuned(tiny, f"A/{regime}/64/lda") for regime in ("ShengYing", "Joint"))
    for stage, sizes in ((one, ["2", "1"]), (both, ["2"])):
        note_tried(tiny.store.work(stage), 4)
        said = [stage.shrink_batch(tiny.store.work(stage)) for _ in (*sizes, "none")]
        assert [words and words.split(" with ")[1].split()[0] for words in said] == [*sizes, None]


def test_finetune_that_took_no_windows_cannot_have_its_batch_shrunk(make_tiny, tmp_path):
    (stage, *_) = make_tiny(tmp_path, "axes.method=[untrained]").stages("finetune")
    assert stage.shrink_batch(tmp_path) is None


def test_finetune_skill_goes_on_with_fewer_windows_where_memory_runs_out(make_tiny, tmp_path, monkeypatch, capsys):
    asked, forecasts = [], BoltForecaster.predict_quantiles

    def limited(self, batch):
        asked.append(batch.n_windows)
        if batch.n_windows > 2:
            raise MemoryError("too many windows")
        return forecasts(self, batch)

    told = []
    for name in ("undisturbed", "limited"):
        (tmp_path / name).mkdir()
        tiny = make_tiny(tmp_path / name, "axes.method=[untrained]", "resources.batch_size=8").build_stages("prepare")
        (stage, *_) = tiny.stages("finetune")
        tiny.build_stage(stage)
        told.append(json.loads((tiny.folder(stage) / "skill.json").read_text()))
        monkeypatch.setattr(BoltForecaster, "predict_quantiles", limited)
    assert asked[:4] == [8, 4, 2, 2]
    assert "memory ran out with 8 windows a pass; going on with 4" in capsys.readouterr().out
    for expected, found in zip(*told, strict=True):
        numbers = {name: value for name, value in expected.items() if isinstance(value, float)}
        assert found == expected | {name: pytest.approx(value, rel=1e-5) for name, value in numbers.items()}


def test_finetune_killed_in_its_skill_forecasts_begins_again_with_half_the_windows(make_tiny, tmp_path, monkeypatch):
    tiny = make_tiny(tmp_path, "axes.method=[untrained]", "resources.batch_size=8").build_stages("prepare")
    (stage, *_) = tiny.stages("finetune")
    work, forecasts, asked = tiny.store.work(stage), BoltForecaster.predict_quantiles, []

    def killed(self, *given):
        raise KeyboardInterrupt

    def counted(self, batch):
        asked.append(batch.n_windows)
        return forecasts(self, batch)

    monkeypatch.setattr(BoltForecaster, "predict_quantiles", killed)
    with pytest.raises(KeyboardInterrupt):
        tiny.build_stage(stage)
    assert stage.shrink_batch(work) == "begins again, with at most 4 windows a pass"
    monkeypatch.setattr(BoltForecaster, "predict_quantiles", counted)
    tiny.build_stage(stage)
    assert max(asked) == 4


def test_finetune_diverging_is_an_error_that_is_not_the_datas(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "finetune.learning_rate=1e30")
    with pytest.raises(TrainingError, match="lower learning_rate"):
        tiny.build_stages("finetune", regime="ShengYing", labels="all", start=None)


def test_finetune_series_shorter_than_a_window_is_an_input_error_that_names_it(make_tiny, tmp_path):
    tiny = make_tiny(tmp_path, "axes.context_length=[512]")
    with pytest.raises(InputError, match=r"motor_\d+-\d+.npy: its series has 512 samples, .* needs 528"):
        tiny.build_stages("finetune", regime="ShengYing", labels="normal")


def test_finetune_predictors_load_and_forecast_in_a_process_without_this_project(tiny_built, make_tiny, tmp_path):
    chronos2 = make_tiny(tmp_path, CHRONOS2, "axes.method=[A]").build_stages("finetune")
    contexts = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)
    np.save(tmp_path / "contexts.npy", contexts)
    tasks, expected = [], []
    for tiny in (tiny_built, chronos2):
        for regime in ("ShengYing", "Joint"):
            stage = finetuned(tiny, f"A/{regime}/64/lda")
            folder = tiny.folder(stage) / "predictor"
            forecaster = stage.backbone.load(folder, stage.domains)
            names, levels = [stage.domains[-1], stage.domains[0]], list(forecaster.model_levels)
            told = torch.tensor([stage.domains.index(name) for name in names])
            expected.append(forecaster.predict_quantiles(Batch(torch.tensor(contexts), None, told)).numpy())
            places = [levels.index(level) for level in stage.quantile_levels]
            out = tmp_path / f"{len(tasks)}.npy"
            tasks.append({"folder": str(folder), "names": names, "levels": levels, "out": str(out), "places": places})
    code = [sys.executable, "-c", WITHOUT_PROJECT, str(STOCK), str(tmp_path / "contexts.npy"), json.dumps(tasks)]
    subprocess.run(code, check=True, cwd=tmp_path, capture_output=True)
    for task, forecast in zip(tasks, expected, strict=True):
        found = np.sort(np.load(task["out"]), axis=-1)[..., task["places"]]
        np.testing.assert_allclose(found, forecast, rtol=1e-4, atol=1e-5)


def test_finetune_process_without_this_project_really_cannot_import_it():
    assert importlib.util.find_spec("motor") is not None
    code = 'import sys; sys.modules["motor"] = None; import motor'
    assert b"import of motor halted" in subprocess.run([sys.executable, "-c", code], capture_output=True).stderr
