"""The links of the results folder."""

from motor.results.links import link_to, remove_others


def test_others_are_removed_from_a_folder_of_links_and_what_is_linked_is_left(tmp_path):
    stage, folder = tmp_path / "stage", tmp_path / "results"
    (stage / "model").mkdir(parents=True)
    (stage / "model" / "weights").write_text("kept")
    for name in ("kept/model", "kept/old", "gone/fold-0/model"):
        link_to(stage / "model", folder / name)
    (folder / "kept" / "note.txt").write_text("left by somebody")
    before = (folder / "kept" / "model").lstat().st_ino
    remove_others(folder, {folder / "kept" / "model"})
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == ["kept", "kept/model"]
    assert (folder / "kept" / "model").lstat().st_ino == before
    assert (stage / "model" / "weights").read_text() == "kept"
    remove_others(tmp_path / "nowhere", {})
