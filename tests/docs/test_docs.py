"""The documents against the code: links, configs, programs, names, the page of settings, the README's tree."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from motor.experiment.reading import read_experiment
from motor.experiment.settings import OVERLAYS, Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page.relative_to(ROOT).as_posix() for page in (ROOT / "README.md", *DOCS.glob("*.md")))
COMPLETE = "# complete config\n"
FORECAST_ERRORS = ("forecast_error_normal", "forecast_error_faulty")
FORMATS = ("tree", "manifest", "long_csv", "parquet", "simulator")


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page, language):
    """Return the fenced blocks of one language."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)
    return [content for named, content in fenced if named == language]


def without_code(text):
    """Return a page without its fenced blocks, and with inline code emptied."""
    return re.sub(r"`[^`\n]+`", "`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(page):
    """Return the anchors that GitHub gives the headings of a page, and those that it names itself."""
    prose = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    titles = [re.sub(r"[^\w\- ]", "", title.lower()) for title in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)]
    return {title.strip().replace(" ", "-") for title in titles} | {*re.findall(r'<a id="([^"]+)">', prose)}


def config_of(kind):
    """Return the complete config of data.md for one format."""
    return next(block for block in blocks("docs/data.md", "yaml") if f"\n  kind: {kind}\n" in block)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """The folder in which the program of data.md was run."""
    folder = tmp_path_factory.mktemp("plant")
    (folder / "make_examples.py").write_text(blocks("docs/data.md", "python")[0])
    subprocess.run([sys.executable, "make_examples.py"], cwd=folder, check=True)
    return folder


@pytest.fixture
def dataset(examples, monkeypatch):
    """Return the reader of data.md for one format, with overrides as on the command line, at the examples."""
    monkeypatch.chdir(examples)

    def read(kind, *overrides):
        Path("mine.yaml").write_text(config_of(kind))
        return read_experiment(Path("mine.yaml"), overrides, {}).base.dataset

    return read


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_a_file_and_a_heading(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        assert file.exists(), f"{page} links to {target}"
        assert not anchor or anchor in anchors(file.relative_to(ROOT)), f"{page} links to {target}"


@pytest.mark.parametrize("page", PAGES)
def test_complete_configs_pass_the_check(page, tmp_path):
    for block in blocks(page, "yaml"):
        data = yaml.safe_load(block)
        is_complete = isinstance(data, dict) and {"dataset", "axes"} <= data.keys()
        assert block.startswith(COMPLETE) == is_complete, f"{page}: mark it with {COMPLETE!r}, or complete it:\n{block}"
        if is_complete:
            (tmp_path / "config.yaml").write_text(block)
            read_experiment(tmp_path / "config.yaml", (), {})


@pytest.mark.parametrize("kind", FORMATS)
def test_recordings_of_each_format_are_read_and_split(kind, dataset, tmp_path):
    from motor.recordings.checks import check_dataset
    from motor.recordings.table import open_recordings, write_recordings

    reader = dataset(kind)
    write_recordings(reader.read(), tmp_path)
    meta = open_recordings(tmp_path).meta
    check_dataset(meta, reader.classes, reader.domains)
    read_experiment(Path("mine.yaml"), (), {}).base.split.split(meta, 0)
    told = meta[["domain", "moment", "speed_rpm"]].nunique()
    assert (len(meta), meta["motor"].nunique(), told["domain"]) == (48, 12, 2)
    assert (meta.groupby(["motor", "moment"])["domain"].nunique() == 2).all()
    assert meta["speed_rpm"].notna().all()


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_runs_to_its_end(kind, examples):
    (examples / f"{kind}.yaml").write_text(config_of(kind))
    command = [sys.executable, ROOT / "launch.py", f"{kind}.yaml", "--storage", "storage"]
    subprocess.run(command, cwd=examples, check=True)
    assert (examples / "storage" / "results" / kind / "result.md").exists()


def test_examples_of_patterns_find_what_the_page_says():
    (listed,) = [block for block in blocks("docs/fields.md", "yaml") if block.startswith("# examples of patterns")]
    for example in yaml.safe_load(listed):
        match = re.search(example["pattern"], example["item"])
        assert match, example["item"]
        assert match.groupdict() == example["found"]


@pytest.mark.parametrize(
    ("kind", "override"),
    [
        ("tree", r"dataset.pattern=(?P<motor>M\d+)-(?P<moment>\d{4})"),
        ("manifest", "dataset.labels={N: normal, S: spark}"),
    ],
)
def test_errors_of_the_data_read_as_the_page_says(kind, override, dataset):
    from motor.recordings.recording import DataError

    with pytest.raises(DataError) as caught:
        list(dataset(kind, override).read())
    assert re.sub(r"examples/(tree|files)/", "", str(caught.value)) in text_of("docs/fields.md")


def test_errors_of_a_split_and_a_config_read_as_the_page_says(dataset, tmp_path):
    from grid.config.check import ConfigError
    from motor.recordings.recording import DataError
    from motor.recordings.splits.folds import Folds
    from motor.recordings.table import open_recordings, write_recordings

    write_recordings(dataset("tree").read(), tmp_path)
    with pytest.raises(DataError) as caught:
        Folds(k=5).split(open_recordings(tmp_path).meta, 123)
    assert str(caught.value) in text_of("docs/fields.md")
    faulty = config_of("tree").replace("motor>", "machine>", 1).replace("domains:", "domain:", 1)
    Path("mine.yaml").write_text(re.sub(r"pattern: .*", r"pattern: (?P<machine>M\\d+)", faulty))
    with pytest.raises(ConfigError) as refused:
        read_experiment(Path("mine.yaml"), (), {})
    for fault in refused.value.faults:
        assert fault.message in text_of("docs/fields.md") or "missing key" in fault.message


def told_forecaster(kind, folder):
    """Save a small forecaster of two domains where the programs of domain.md look for it."""
    import torch

    from motor.registry import plugins

    torch.set_num_threads(1)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    backbone = plugins("motor.backbones")[kind](**sizes)
    forecaster = backbone.create(512, 64, (0.1, 0.5, 0.9), 0.0, ("ShengYing", "ZhenDong"), 0)
    path = re.search(r'folder = Path\("(.+)"\)', text_of("docs/domain.md"))[1]
    forecaster.save(folder / path)


@pytest.mark.parametrize(("kind", "place"), [("bolt", 0), ("chronos2", 1)])
def test_programs_that_tell_the_stock_library_the_domain_run(kind, place, tmp_path, monkeypatch):
    import numpy as np
    import torch

    from motor.backbones.chronos import domain_mark

    told_forecaster(kind, tmp_path)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(blocks("docs/domain.md", "python")[place], "domain.md", "exec"), names)
    second = torch.tensor([1])
    if kind == "bolt":
        assert names["quantiles"].shape == (1, 64, 3)
        marked = domain_mark.mark_context(names["context"], second, 2)
        torch.testing.assert_close(names["told"], marked, equal_nan=True)
    else:
        assert names["quantiles"][0].shape == (1, 64, 3)
        np.testing.assert_array_equal(names["past"], domain_mark.covariate(second, 2, -512, 0)[0])
        np.testing.assert_array_equal(names["future"], domain_mark.covariate(second, 2, 0, 64)[0])


@pytest.fixture(scope="module")
def write_settings():
    """The module that writes settings.md."""
    spec = importlib.util.spec_from_file_location("write_settings", DOCS / "write_settings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_tables_are_what_the_code_writes(write_settings):
    for file in write_settings.PAGES:
        page = file.read_text(encoding="utf-8")
        assert write_settings.rendered(page) == page, "run `python docs/write_settings.py`"


def test_settings_page_has_and_describes_every_setting(write_settings):
    page = text_of("docs/settings.md")
    overlays = set(OVERLAYS)
    marked = set(re.findall(r"<!-- settings: (\w+) -->", page)) | set(write_settings.TOP) | overlays
    assert set(Settings.model_fields) <= marked
    undescribed = [line for line in page.splitlines() if write_settings.MISSING in line.lower()]
    assert not undescribed, "give these fields a description, or an entry in their class's docstring"


@pytest.mark.parametrize(
    ("overrides", "rate"),
    [
        ((), 3e-5),
        (("finetune.learning_rate=1e-4",), 1e-4),
        (("finetune.learning_rate=1e-4", "by_method.C.finetune.learning_rate=1e-5"), 1e-5),
    ],
)
def test_settings_override_each_other_in_the_order_of_the_page(overrides, rate, tmp_path):
    overlay = next(block for block in blocks("docs/settings.md", "yaml") if block.startswith("by_method"))
    (tmp_path / "mine.yaml").write_text(config_of("tree") + overlay)
    experiment = read_experiment(tmp_path / "mine.yaml", overrides, {})
    assert experiment.settings("C", "sound").finetune.learning_rate == rate
    assert experiment.settings("C", "Joint").finetune.num_steps == 20000
    assert experiment.settings("A", "sound").scaling.by == "item"


@pytest.fixture
def built(tiny_built, tmp_path):
    """The tiny experiment and a copy of its store."""
    from grid.store.store import Store

    shutil.copytree(tiny_built.store.root, tmp_path / "storage", symlinks=True)
    return tiny_built, Store(tmp_path / "storage")


def test_results_page_names_every_key_and_column(built):
    import pandas as pd

    from motor.results.folder import results_folder, write_results

    tiny, store = built
    page, folder = text_of("docs/results.md"), store.folder(tiny.cell("A/Joint/64/lda"))
    write_results(tiny.experiment, tiny.plan.cells, tiny.plan, store, {}, "")
    cells = pd.read_csv(results_folder(tiny.experiment, store) / "cells.csv")
    predictions = pd.read_csv(folder / "predictions.csv")
    found = {*json.loads((folder / "metrics.json").read_text()), *predictions.columns, *cells.columns}
    names = {re.sub(r"_(normal|spark|vibrate)$", "_<class>", name) for name in found - set(FORECAST_ERRORS)}
    names = {name for name in names if not name.endswith(("_interval", "_low", "_high"))} | set(FORECAST_ERRORS)
    missing = [name for name in sorted(names) if f"`{name}`" not in page]
    assert not missing


def test_results_page_names_what_lies_in_a_stage_folder(tiny_built):
    page = text_of("docs/results.md")
    for stage in tiny_built.cell("A/Joint/64/lda").walk():
        for file in tiny_built.folder(stage).iterdir():
            if not re.match(r"residual_features_|fold-", file.name):
                assert re.search(rf"`{re.escape(file.name)}/?`", page), f"{stage.KIND}/{file.name}"


def test_options_of_the_command_line_are_documented(capsys):
    from motor.commands.line import COMMANDS, main

    for name in COMMANDS:
        with pytest.raises(SystemExit):
            main([name, "--help"])
    said = "\n".join(map(text_of, PAGES))
    for option in set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}:
        assert f"{option} " in said or f"{option}`" in said, option


def tree_of_the_readme():
    """Return the paths that the README's tree names; folders end with a slash."""
    (tree,) = [block for block in blocks("README.md", "") if "launch.py" in block]
    paths, folders = set(), []
    for line in tree.splitlines():
        depth, name = (len(line) - len(line.lstrip())) // 4, line.split()[0]
        folders = [*folders[:depth], name]
        paths.add("".join(folders))
    return paths


def test_tree_of_the_readme_names_every_folder_of_the_house():
    folders = [folder for room in ("grid", "motor") for folder in (ROOT / room).iterdir()]
    names = {f"{folder.relative_to(ROOT).as_posix()}/" for folder in folders if any(folder.glob("*.py"))}
    names |= {file.name for pattern in ("*.py", "*.toml", "*.txt") for file in ROOT.glob(pattern)}
    assert names - tree_of_the_readme() == set()


def test_tree_of_the_readme_names_only_what_is_there():
    gone = [path for path in tree_of_the_readme() if not (ROOT / path).exists()]
    assert not gone


def test_plugins_of_the_page_are_taken_by_a_config(tmp_path):
    for block in blocks("docs/plugins.md", "python"):
        name = re.search(r'kind: Literal\["(\w+)"\]', block)[1]
        (tmp_path / f"{name}.py").write_text(block, encoding="utf-8")
    text = next(block for block in blocks("docs/settings.md", "yaml") if block.startswith(COMPLETE))
    (tmp_path / "mine.yaml").write_text(f"plugins: [bump.py, steps.py]\n{text}", encoding="utf-8")
    words = ["axes.representation=[raw, bump]", "axes.steps=[1000, 4000]"]
    experiment = read_experiment(tmp_path / "mine.yaml", words, {})
    assert [(dict(one)["representation"], dict(one)["steps"]) for one in experiment.variants()] == [
        ("raw", 1000),
        ("raw", 4000),
        ("bump", 1000),
        ("bump", 4000),
    ]
