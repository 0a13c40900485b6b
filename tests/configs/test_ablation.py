"""The grids of modules: all of their cells are planned, and one of each runs to its report."""

import subprocess
import sys
from pathlib import Path

import pytest

import launch

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = (
    "dataset.motors_per_class=4",
    "split={kind: ratio, train: 2, validation: 1, test: 1}",
    "finetune.num_steps=3",
    "windows.per_series_features=1",
)
CELLS = {
    "ablation": ("backbone=time_llm", "modules=tapr+gram"),
    "sensitivity": ("modules=gram", "modules.gram.top_k=100", "modules.gram.lambda_retrieval=0.1"),
}


@pytest.mark.parametrize(("name", "n_cells", "n_memories"), [("ablation", 12, 4), ("sensitivity", 34, 4)])
def test_every_cell_is_planned_and_a_fold_has_one_memory(capsys, tmp_path, name, n_cells, n_memories):
    assert launch.main(["dry-run", str(CONFIGS / f"{name}.yaml"), "--storage", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{n_cells} cells")
    (memories,) = [line.split()[1] for line in said.splitlines() if line.startswith("memory ")]
    assert int(memories) == n_memories


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("name", CELLS)
def test_one_cell_runs_to_its_report(tmp_path, name):
    words = [str(CONFIGS / f"{name}.yaml"), *SMALL, "--only", *CELLS[name], "--storage", str(tmp_path)]
    # in a process of its own: one that has used another Ray keeps that one's token, or none
    told = subprocess.run([sys.executable, launch.__file__, *words], capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "forecasts" in (tmp_path / "results" / name / "result.md").read_text(encoding="utf-8")
