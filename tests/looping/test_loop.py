"""A loop from its first question to a second model, killed between all of its steps (each opens it anew)."""

import csv
from dataclasses import replace

import pytest
from sqlalchemy import text

from motor.commands.cell import find_cell
from motor.commands.loop import run_loop
from motor.commands.prune import prune
from motor.commands.serve import find_shadow
from motor.looping import exchange, iterations, label_sets, models
from motor.looping.inference import meta_of, read_inferred
from motor.looping.loop import LoopError, open_loop
from motor.looping.reporting import as_markdown
from motor.looping.reviewing import answer_by
from motor.predicting.stored import CellError
from motor.review.database.chain import verify
from motor.review.database.decisions import Decision, decide

pytestmark = pytest.mark.slow  # a loop of two iterations: some 20 s of two cores


def state(found, number):
    return found.manager.standing(iterations.iterations(found.loop.database)[number - 1]).state


@pytest.fixture(scope="module")
def first(begun):
    """Go through the first iteration step by step, and keep the states on the way."""
    states = []
    with pytest.raises(LoopError, match="loop queue"):
        begun().manager.prepare_training_data()
    begun().manager.create_iteration()
    states.append(state(begun(), 1))
    with pytest.raises(LoopError, match="no training recording has the label"):
        begun().manager.prepare_training_data()
    assert answer_by(begun().loop) == 18
    assert begun().manager.prepare_training_data() == begun().manager.prepare_training_data()
    states.append(state(begun(), 1))
    assert begun().manager.start_training()
    states.append(state(begun(), 1))
    begun().manager.run_inference()
    states.append(state(begun(), 1))
    begun().manager.promote()
    begun().manager.close()
    states.append(state(begun(), 1))
    return states


def test_states_follow_the_steps(first):
    assert first == ["Annotating", "DataReady", "Trained", "Reviewing", "Completed"]


def test_steps_again_build_nothing_twice(begun, first):
    before = list(begun.built)
    begun().manager.start_training()
    begun().manager.run_inference()
    assert begun.built == before


def test_nothing_of_a_test_motor_is_asked_or_shown_as_a_neighbour(begun, first):
    loop = begun().loop
    with loop.database.reading() as connection:
        rows = connection.execute(text("SELECT side, suggestion FROM asked JOIN item ON id=item_id")).all()
    assert {side for side, _ in rows} <= {"train", "validation"}
    tested = {item for item, motor in zip(*meta_of(loop)[["item", "motor"]].T.to_numpy(), strict=True)
              if loop.facts.sides[motor] == "test"}  # fmt: skip
    assert not any(item in suggestion for item in tested for _, suggestion in rows)


def test_label_set_names_the_decisions_that_it_holds(begun, first):
    loop = begun().loop
    digest = iterations.iterations(loop.database)[0].label_set
    with loop.label_set(digest).open(encoding="utf-8") as rows:
        decided = [row for row in csv.DictReader(rows) if row["requests"]]
    assert len(decided) == 18
    assert all(row["reviewers"] == "truth" and row["decided_at"] for row in decided)
    assert verify(loop.database, label_sets.anchors(loop)) == []
    assert digest in loop.config_of(1).read_text(encoding="utf-8")


def test_champion_is_a_cell_that_predict_takes(begun, first, store):
    (parts,) = find_cell("plant@champion", store.root)
    assert parts.key == begun().manager.model(1).key
    with pytest.raises(CellError, match="no model called 'rival'; there are: challenger, champion"):
        find_cell("plant@rival", store.root)
    with pytest.raises(CellError, match="no loop 'plants'"):
        find_cell("plants@champion", store.root)


def test_shadow_is_another_version_of_a_loops_models(begun, first, store, capsys):
    parts = find_cell("plant@champion", store.root)
    beside, pair = find_shadow("plant@champion", [replace(parts[0], key="another")], store.root)
    assert ([one.key for one in beside], pair.champion, pair.challenger) == ([parts[0].key], "another", parts[0].key)
    assert find_shadow("plant@champion", parts, store.root) is None
    assert "the served model itself" in capsys.readouterr().out
    with pytest.raises(CellError, match="names no loop"):
        find_shadow("best", parts, store.root)


def test_corrected_test_label_trains_nothing_and_scores_again(begun, first):
    found = begun()
    before, built = models.compare(found.loop, [1]).figures[1], len(begun.built)
    predicted = models.predictions_on(found.loop, 1, models.test_labels(found.loop))
    right = predicted[predicted["predicted"] == predicted["label"]].iloc[0]
    other = next(name for name in found.loop.facts.classes if name != right["label"])
    keys = found.manager.standing(iterations.iterations(found.loop.database)[0])
    for who in ("ann", "bob"):
        decide(
            found.loop.database,
            Decision(f"test-{who}", right["item"], 0, "label", who, other),
            found.loop.facts.classes,
        )
    compared = models.compare(begun().loop, [1])
    after = compared.figures[1]
    assert after.macro_f1 < before.macro_f1
    assert (compared.n_corrected, compared.sealed[1]) == (1, before)
    assert "before corrections" in as_markdown(compared)
    assert len(begun.built) == built
    assert begun().manager.standing(iterations.iterations(found.loop.database)[0]) == keys


def test_second_iteration_asks_by_the_strategy_with_fair_suggestions(begun, first):
    lines = []
    run_loop(begun(), 1, lines.append)
    loop = begun().loop
    with loop.database.reading() as connection:
        rows = connection.execute(text("SELECT reason, chance FROM asked WHERE iteration=2 AND queue='labels'")).all()
    assert sorted(reason for reason, _ in rows) == ["margin_with_clusters"] * 2 + ["random"] * 2
    assert all((chance is None) == (reason != "random") for reason, chance in rows)
    assert begun().manager.asked() == [1, 2]
    compared = begun().manager.get_iteration_metrics()
    assert set(compared.figures) == {1, 2}
    assert [(one.first, one.second) for one in compared.differences] == [(2, 1)]
    assert compared.looks >= 1
    assert begun().manager.estimated_quality(2).n_drawn == 2


def test_features_are_kept_beside_what_the_model_says(begun, first):
    said = read_inferred(begun().loop, 1)
    assert len(said) == len(meta_of(begun().loop))
    assert any(name.startswith("feature_") for name in said)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json"])
def test_labels_that_were_exported_are_taken_back_unchanged(begun, first, tmp_path, suffix):
    loop = begun().loop
    exchange.export(loop, tmp_path / f"labels{suffix}")
    content = (tmp_path / f"labels{suffix}").read_text(encoding="utf-8")
    if suffix != ".json":  # a tool's tasks hold no test recordings; of tables they are taken out by hand
        tested = [item for item, side in _sides(loop).items() if side == "test"]
        kept = [line for line in content.splitlines() if not any(item in line for item in tested)]
        (tmp_path / f"labels{suffix}").write_text("\n".join(kept), encoding="utf-8")
    taken, held = exchange.take(loop, tmp_path / f"labels{suffix}", "tool")
    assert taken == 0
    assert held >= 18


def _sides(loop):
    with loop.database.reading() as connection:
        return {name: side for name, side in connection.execute(text("SELECT name, side FROM item"))}  # noqa: C416


def test_import_decides_and_refuses_test_recordings(begun, first, tmp_path):
    loop = begun().loop
    sides = _sides(loop)
    tested = next(item for item, side in sides.items() if side == "test")
    (tmp_path / "x.csv").write_text(f"item,label\n{tested},normal\n", encoding="utf-8")
    with pytest.raises(LoopError, match=r"x\.csv, line 2: .* is on the test side"):
        exchange.take(loop, tmp_path / "x.csv", "tool")
    (tmp_path / "x.csv").write_text("item,label\nnone,normal\n", encoding="utf-8")
    with pytest.raises(LoopError, match="no recording 'none'"):
        exchange.take(loop, tmp_path / "x.csv", "tool")


def test_prune_leaves_what_iterations_need(begun, first, store, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(begun().loop.config.read_text(encoding="utf-8").replace("seed: 5", "seed: 6"), encoding="utf-8")
    found = prune([other], (), {}, store)
    assert begun().manager.model(1).key not in {one.folder.rpartition("-")[2] for one in found.chosen}


def test_loop_of_a_taken_name_and_one_that_is_not_there_are_refused(begun, first, store, tmp_path):
    from motor.commands.looping import new_loop

    config = tmp_path / "again.yaml"
    config.write_text(begun().loop.config.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(LoopError, match="there is a loop 'plant' already"):
        new_loop(config, (), store, "plant")
    with pytest.raises(LoopError, match="there are: plant"):
        open_loop(store.root, "plants")
