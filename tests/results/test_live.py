"""TensorBoard's folder while a grid runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motor.results.folder import results_folder
from motor.results.live import LiveLinks, curve_names, link_to

CELL = "A/Joint/64/lda"


@pytest.fixture
def tiny(make_tiny: Callable[..., Any], tmp_path: Path) -> Any:
    return make_tiny(tmp_path, "by_method.B.finetune.num_steps=8")  # so A and B do not share


def curves(folder: Path, text: str) -> None:
    """Leave something where a stage's curves are."""
    (folder / "tensorboard").mkdir(parents=True, exist_ok=True)
    (folder / "tensorboard" / "events").write_text(text)


def shown(tiny: Any) -> dict[str, str]:
    """Return what TensorBoard finds, by the names of its runs."""
    root = results_folder(tiny.experiment, tiny.store) / "tensorboard"
    links = [link for link in root.rglob("*") if link.is_symlink() and (link / "events").exists()]
    return {link.relative_to(root).as_posix(): (link / "events").read_text() for link in links}


def test_live_links_follow_a_fine_tune_from_its_work_folder_into_its_own(tiny: Any) -> None:
    stage = tiny.stages("finetune")[0]
    name = curve_names(tiny.plan.stages.values())[stage.key]
    links = LiveLinks(tiny.experiment, tiny.plan, tiny.store)
    links.link()
    assert shown(tiny) == {}
    curves(tiny.store.work(stage), "half")
    links.link()
    assert shown(tiny) == {name: "half"}
    with tiny.store.draft(stage, {}) as draft:
        curves(draft, "whole")
    links.link()
    assert shown(tiny) == {name: "whole"}


def test_live_links_of_a_fine_tune_that_is_forced_show_the_new_one(tiny: Any) -> None:
    stage = tiny.stages("finetune")[0]
    links = LiveLinks(tiny.experiment, tiny.plan, tiny.store)
    for text in ("first", "second"):
        curves(tiny.store.work(stage), f"{text}, half")
        links.link()
        assert list(shown(tiny).values()) == [f"{text}, half"]
        with tiny.store.draft(stage, {}) as draft:
            curves(draft, text)
        links.link()
        assert list(shown(tiny).values()) == [text]


def test_live_links_show_a_cell_once_it_stands(tiny: Any) -> None:
    with tiny.store.draft(tiny.cell(CELL), {}) as draft:
        curves(draft, "row")
    LiveLinks(tiny.experiment, tiny.plan, tiny.store).link()
    assert shown(tiny) == {CELL.replace("/", "-"): "row"}


def test_live_links_are_made_now_and_then_only(tiny: Any) -> None:
    links = LiveLinks(tiny.experiment, tiny.plan, tiny.store)
    links()
    curves(tiny.store.work(tiny.stages("finetune")[0]), "half")
    links()
    assert shown(tiny) == {}
    links._at -= 6
    links()
    assert len(shown(tiny)) == 1


def test_curve_names_of_equal_labels_have_part_of_their_keys(tiny: Any) -> None:
    stages = tiny.stages("finetune")
    named = curve_names(stages)
    assert len(set(named.values())) == len(stages)
    labels = [stage.label() for stage in stages]
    assert (
        {key for key, name in named.items() if name.endswith(f"-{key[:6]}")}
        == {stage.key for stage in stages if labels.count(stage.label()) > 1}
        != set()
    )


def test_link_to_turns_a_link_and_stays_right_where_the_storage_is_moved(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "a" / name).mkdir(parents=True)
        link_to(tmp_path / "a" / name, tmp_path / "a" / "links" / "it")
    (tmp_path / "a").rename(tmp_path / "b")
    assert (tmp_path / "b" / "links" / "it").resolve() == tmp_path / "b" / "two"
    assert [path.name for path in (tmp_path / "b" / "links").iterdir()] == ["it"]
