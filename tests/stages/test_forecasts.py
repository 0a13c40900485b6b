"""`forecasts.json` and `training.json` of a fine-tune with a memory: errors, directions, gates, neighbours."""

import json

import pytest

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
        assert ratio == pytest.approx(found["training"][name] / found["held_out"][name])
