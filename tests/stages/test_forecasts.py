"""`forecasts.json` and `training.json` of a fine-tune with a memory: errors, directions, gates, neighbours."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from motor.backbones.batch import Batch
from motor.retrieval.memory import Memory, Remembered
from motor.stages.forecasts import classmates_of, joined, retrieval_facts

ASKED = (
    "axes.method=[A]",
    "axes.domain=[Joint]",
    "axes.modules=[none, gram]",
    "modules.gram={top_k: 3, key_length: 16, stride: 4, width: 8}",
    "finetune.num_steps=2",
)


@pytest.fixture(scope="module")
def told(make_tiny, tmp_path_factory):
    tiny = make_tiny(tmp_path_factory.mktemp("gram"), *ASKED).build_stages("finetune")
    read = {}
    for stage in tiny.stages("finetune"):
        files = {
            name: json.loads((tiny.folder(stage) / name).read_text()) for name in ("forecasts.json", "training.json")
        }
        read["gram" if stage.modules else "none"] = files
    return read


def test_rows_are_by_domain_and_class_and_of_all_classes(told):
    for name in ("none", "gram"):
        rows = told[name]["forecasts.json"]["by_context"]["64"]
        for domain in ("ShengYing", "ZhenDong"):
            of_classes = [row for row in rows if row["domain"] == domain and row["label"]]
            (of_all,) = [row for row in rows if row["domain"] == domain and not row["label"]]
            assert sum(row["n_windows"] for row in of_classes) == of_all["n_windows"]
            mean = sum(row["n_windows"] * row["mae"] for row in of_classes) / of_all["n_windows"]
            assert of_all["mae"] == pytest.approx(mean)


def test_errors_of_each_motor_add_up_to_those_of_its_domain(told):
    rows = told["gram"]["forecasts.json"]["by_context"]["64"]
    motors = told["gram"]["forecasts.json"]["motors"]["64"]
    for of_all in (row for row in rows if not row["label"]):
        own = [row for row in motors if row["domain"] == of_all["domain"]]
        assert len({row["motor"] for row in own}) == len(own)
        mean = sum(row["n_windows"] * row["mae"] for row in own) / of_all["n_windows"]
        assert of_all["mae"] == pytest.approx(mean)


def test_gates_and_what_they_choose_between_are_told_of_gated_forecasts_alone(told):
    for name in ("none", "gram"):
        rows = told[name]["forecasts.json"]["by_context"]["64"]
        assert all(("gate" in row) == (name == "gram") for row in rows)
    for row in rows:
        assert 0 <= row["gate"] <= 1
        assert row["gate_deciles"] == sorted(row["gate_deciles"])
        assert {"model_mae", "memory_mae", "gate_right"} < row.keys()


def test_neighbours_of_the_worst_windows_are_of_training_motors(told):
    assert told["none"]["forecasts.json"]["worst"] == []
    worst = told["gram"]["forecasts.json"]["worst"]
    assert len(worst) == 3
    for case in worst:
        assert len(case["past"]) == 16
        assert [len(one["future"]) for one in case["neighbours"]] == [len(case["forecast"])] * 3
        assert case["motor"] not in {one["motor"] for one in case["neighbours"]}
        assert [one["distance"] for one in case["neighbours"]] == sorted(one["distance"] for one in case["neighbours"])


def test_training_json_tells_neighbours_of_training_and_held_out_windows(told):
    assert "retrieval" not in told["none"]["training.json"]
    found = told["gram"]["training.json"]["retrieval"]
    for name, ratio in found["ratio"].items():
        assert ratio == pytest.approx(found["training"][name] / found["one_motor_fewer"][name])
    assert found["held_out"]["distance"] <= found["one_motor_fewer"]["distance"]


MOTORS = tuple(f"{label}{number}" for label in "abc" for number in range(4))  # the last of each is held out
N_SAMPLES, LENGTH, AHEAD = 96, 32, 8


def alike(motor):
    """Return a series that a motor repeats, between those of its class and those of its own."""
    of_class, own = (np.random.default_rng(list(seed.encode())) for seed in (motor[0], motor))
    return np.tile(of_class.normal(size=N_SAMPLES) + own.normal(size=N_SAMPLES), 2).astype(np.float32)


def windows(motors, starts=range(0, N_SAMPLES // 2, 7)):
    cut = [(motor, alike(motor)[start : start + LENGTH + AHEAD]) for motor in motors for start in starts]
    names, both = np.array([motor for motor, _ in cut], dtype=object), np.stack([window for _, window in cut])
    return Batch(both[:, :LENGTH], both[:, LENGTH:], np.zeros(len(both), dtype=np.int64), item_B=names, motor_B=names)


class Neighbours:
    """Forecasts what the nearest windows say; by the peers' rule, windows may be of the own motor."""

    def __init__(self, peers_rule=False):
        training = [motor for motor in MOTORS if motor[1] != "3"]
        memory = Memory.of([Remembered(motor, alike(motor)) for motor in training])
        self.unfolded, self.peers_rule = memory.unfolded(LENGTH, AHEAD, 1), peers_rule

    def looked_up(self, batch):
        is_own = self.peers_rule and batch.item_B.tolist() == batch.motor_B.tolist()
        motors = ["nobody"] * batch.n_windows if is_own else batch.motor_B
        found = self.unfolded.nearest(torch.as_tensor(batch.context_BT), 4, motors)
        loc_B1, scale_B1 = (getattr(batch.context_BT, name)(axis=1, keepdims=True) for name in ("mean", "std"))
        said_BH = self.unfolded.futures(found.place_QK).mean(axis=1) * scale_B1 + loc_B1
        return torch.as_tensor(found.square_QK.mean(axis=1)), torch.as_tensor(said_BH)


@pytest.mark.parametrize("peers_rule", [False, True])
def test_ratio_is_near_one_but_for_a_leak(peers_rule):
    sides = [[motor for motor in MOTORS if (motor[1] == "3") == is_held_out] for is_held_out in (False, True)]
    tables = [pd.DataFrame({"item": m, "motor": m, "domain": "one", "label": [n[0] for n in m]}) for m in sides]
    mates = classmates_of(tables[1], tables[0])
    assert mates["a3"] == ["a0", "a1", "a2"]
    assert classmates_of(tables[1].assign(label="d"), tables[0])["a3"] == sides[0]
    facts = retrieval_facts(Neighbours(peers_rule), [windows(sides[0])], lambda: [windows(sides[1])], mates)
    for name in ("distance", "skill"):
        assert (0.85 < facts["ratio"][name] < 1.25) != peers_rule
        assert facts["one_motor_fewer"][name] > facts["held_out"][name]
        if peers_rule:
            assert facts["ratio"][name] < 0.65


def test_ratio_of_other_windows_is_not_told(tmp_path):
    row = {"domain": "one", "label": "", "n_windows": 2, "mae": 1.0}
    (tmp_path / "forecasts.json").write_text(json.dumps({"by_context": {"64": [row]}}))
    ratio = {"distance": 1.0, "skill": 1.3}
    for fewer, told in (({}, {}), ({"one_motor_fewer": ratio}, ratio)):
        (tmp_path / "training.json").write_text(json.dumps({"retrieval": {"ratio": ratio, **fewer}}))
        assert joined([tmp_path], 64)["ratio"] == told
