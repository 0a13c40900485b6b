"""Several signals of one file: each to the bit, at one moment, with what the file tells beside them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import scipy.io
import soundfile
from pydantic import ValidationError

from motor.recordings.channels import LONGEST_MOMENT, moment_of
from motor.recordings.readers.manifest import Manifest
from motor.recordings.readers.tree import Tree
from motor.recordings.recording import DataError, Recording
from motor.registry import plugins

N, RATE = 64, 800
DE, FE = (np.random.default_rng(0).integers(-100, 100, size=(2, N)) / 128).astype(np.float32)
KNOWN: dict[str, Any] = {
    "classes": ("normal", "spark"),
    "domains": ("DE", "FE"),
    "sampling_rate_hz": RATE,
    "constants": {"motor": "M1", "label": "normal"},
}


def mat(path: Path) -> None:
    scipy.io.savemat(path, {"X097_DE_time": DE[:, None], "X097_FE_time": FE[:, None], "X097RPM": 1796})


def mat_matrix(path: Path) -> None:
    scipy.io.savemat(path, {"data": np.stack([DE, FE], axis=1)}, do_compression=True)


def mat_cells(path: Path) -> None:
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0], cells[0, 1] = DE[:, None], {"inner": {"fan": FE}}
    scipy.io.savemat(path, {"runs": cells})


def mat_named(path: Path) -> None:
    made = np.zeros((1, 3), dtype=[("Name", object), ("Data", object)])
    for place, (name, signal) in enumerate((("force", DE[::-1]), ("vibration_1", DE), ("current", FE))):
        made[0, place] = (name, np.atleast_2d(signal))
    scipy.io.savemat(path, {f"{path.stem}_1": {"Y": made}})


def wav(path: Path) -> None:
    soundfile.write(path, np.stack([FE[::-1], DE, FE], axis=1), RATE, subtype="PCM_24")


def table(path: Path) -> None:
    rows = [f"{k},{de},{fe}" for k, (de, fe) in enumerate(zip(DE, FE, strict=True))]
    path.write_text("\n".join(["time,drive end,fan end", *rows]))


def headerless(path: Path) -> None:
    path.write_text("".join(f"{de}\t{fe}\n" for de, fe in zip(DE, FE, strict=True)))


def npy(path: Path) -> None:
    np.save(path, np.stack([FE, DE]))


def npz(path: Path) -> None:
    np.savez_compressed(path, drive=DE[None, :], fan=np.stack([DE, FE], axis=1), fs=RATE)


def parquet(path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"de": DE, "fe": FE.astype("float64"), "state": ["spark"] * N}), path)


FILES: dict[str, tuple[str, Callable[[Path], None], Any, Any]] = {
    "mat": ("97.mat", mat, "X{stem:03}_DE_time", "*_FE_time"),
    "mat_matrix": ("a.mat", mat_matrix, 1, "data(:,2)"),
    "mat_cells": ("a.mat", mat_cells, "runs{1}", "runs{2}.inner.f*"),
    "mat_named": ("K1.mat", mat_named, "{stem}_1.Y(Name=vib*).Data", "*.Y(3).Data"),
    "wav": ("a.wav", wav, 2, "channel 3"),
    "table": ("a.csv", table, ["absent", "drive end"], "fan*"),
    "headerless": ("a.csv", headerless, 1, "column 2"),
    "npy": ("a.npy", npy, "(2,:)", "row 1"),
    "npz": ("a.npz", npz, "drive", "fan(:,2)"),
    "parquet": ("a.parquet", parquet, "d*", 2),
}


def tree(folder: Path, kind: str, **settings: Any) -> Tree:
    name, write, de, fe = FILES[kind]
    write(folder / name)
    told = {**KNOWN, "channels": {"DE": de, "FE": fe}, "suffixes": (Path(name).suffix,)}
    return Tree(path=str(folder), **{**told, **settings})


@pytest.mark.parametrize("kind", FILES)
def test_channels_of_one_file_are_read_to_the_bit_at_one_moment(tmp_path: Path, kind: str) -> None:
    first, second = tree(tmp_path, kind).read()
    name = FILES[kind][0]
    assert (first.item, first.domain, second.item, second.domain) == (f"{name}:DE", "DE", f"{name}:FE", "FE")
    assert first.moment == second.moment == name
    np.testing.assert_array_equal(first.signal, DE)
    np.testing.assert_array_equal(second.signal, FE)


@pytest.mark.parametrize("kind", ["mat", "wav", "table", "npz"])
def test_channels_of_a_large_file_are_read_one_by_one(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motor.recordings.channels.TOGETHER_BYTES", 1)
    first, second = tree(tmp_path, kind).read()
    np.testing.assert_array_equal(first.signal, DE)
    np.testing.assert_array_equal(second.signal, FE)


def test_fields_come_from_variables_of_the_file(tmp_path: Path) -> None:
    fields: Any = {"speed_rpm": "X*RPM", "motor": "absent"}
    assert {one.speed_rpm for one in tree(tmp_path, "mat", fields=fields).read()} == {1796.0}
    label: Any = {"label": "state"}
    (tmp_path / "p").mkdir()
    assert {one.label for one in tree(tmp_path / "p", "parquet", fields=label, constants={"motor": "M1"}).read()} == {
        "spark"
    }
    rate: Any = {"sampling_rate_hz": "fs"}
    (tmp_path / "n").mkdir()
    read = tree(tmp_path / "n", "npz", fields=rate, sampling_rate_hz=None).read()
    assert {one.sampling_rate_hz for one in read} == {RATE}


def test_field_of_many_values_is_refused(tmp_path: Path) -> None:
    fields: Any = {"speed_rpm": "*_DE_time"}
    with pytest.raises(DataError, match=r"64 values that differ .*, and a field is one value"):
        next(tree(tmp_path, "mat", fields=fields).read())


def test_channel_that_is_missing_is_an_error_or_left_out_with_its_reason(tmp_path: Path) -> None:
    channels: Any = {"DE": "*_DE_time", "FE": "*_BA_time"}
    with pytest.raises(DataError, match=r"97\.mat: variable '\*_BA_time', the file has X097_DE_time"):
        list(tree(tmp_path, "mat", channels=channels).read())
    skipped: list[dict[str, str]] = []
    (one,) = tree(tmp_path, "mat", channels=channels, on_missing_channel="skip").read(skipped)
    assert (one.domain, [bad["item"] for bad in skipped]) == ("DE", ["97.mat:FE"])


def test_pattern_sees_the_name_of_the_file_and_the_first_folder_is_the_label(tmp_path: Path) -> None:
    (tmp_path / "spark").mkdir()
    name, write, *_ = FILES["mat"]
    write(tmp_path / "spark" / name)
    reader = tree(tmp_path, "mat", pattern=r"(?P<motor>\d+)\.mat$", constants={})
    (tmp_path / name).unlink()
    assert {(one.motor, one.label) for one in reader.read()} == {("97", "spark")}


def test_channels_that_are_no_domains_leave_the_domain_to_others(tmp_path: Path) -> None:
    channels: Any = {"x": "*_DE_time", "y": "*_FE_time"}
    constants = {**KNOWN["constants"], "domain": "DE"}
    read = list(tree(tmp_path, "mat", channels=channels, constants=constants, domains=("DE",)).read())
    assert [(one.item, one.domain, one.moment) for one in read] == [("97.mat:x", "DE", None), ("97.mat:y", "DE", None)]


def test_manifest_reads_channels_and_a_column_of_domains_contradicts_them(tmp_path: Path) -> None:
    FILES["mat"][1](tmp_path / "97.mat")
    channels: Any = {"DE": "*_DE_time", "FE": "*_FE_time"}
    (tmp_path / "manifest.csv").write_text("file,motor,label,moment\n97.mat,M7,spark,t1\n")
    known = {name: value for name, value in KNOWN.items() if name != "constants"}
    read = list(Manifest(path=str(tmp_path), channels=channels, **known).read())
    assert [(one.item, one.moment, one.motor) for one in read] == [("97.mat:DE", "t1", "M7"), ("97.mat:FE", "t1", "M7")]
    (tmp_path / "manifest.csv").write_text("file,motor,label,domain\n97.mat,M7,spark,DE\n")
    with pytest.raises(DataError, match="the domain is 'DE' by the table, and channels tell it, too"):
        next(Manifest(path=str(tmp_path), channels=channels, **known).read())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"channels": {"DE": "a", "left": "b"}}, "channels names 'left', which is not in domains"),
        ({"channels": {"DE": "a", "FE": "a"}}, "'DE' and 'FE' are both 'a'"),
        ({"variable": "x"}, "channels and variable are both set"),
        ({"constants": {"domain": "DE"}}, "channels tell the domain, and constants"),
        ({"pattern": "(?P<domain>DE)"}, "channels tell the domain, and a group of pattern"),
        ({"suffixes": (".xyz",)}, "unknown suffix '.xyz'; allowed: .aif"),
    ],
)
def test_channels_that_cannot_be_are_faults_of_the_config(tmp_path: Path, settings: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)):
        tree(tmp_path, "mat", **settings)


def test_settings_of_channels_stay_out_of_records_where_they_are_not_used(tmp_path: Path) -> None:
    dumped = Tree(path=str(tmp_path), **KNOWN).model_dump()
    assert not {"channels", "on_missing_channel", "fields", "format"} & dumped.keys()
    assert tree(tmp_path, "wav").model_dump()["channels"] == {"DE": ("column 2",), "FE": ("channel 3",)}


def test_moment_of_a_long_name_is_short_and_distinct() -> None:
    one, other = moment_of("ä" * 70 + "/a.mat"), moment_of("ö" * 70 + "/a.mat")
    assert one != other
    assert max(len(one.encode()), len(other.encode())) <= LONGEST_MOMENT


ROWS = {
    "item": ["a", "b"],
    "motor": ["M1", "M2"],
    "label": ["normal", "spark"],
    "drive": [DE.tolist(), FE.tolist()],
    "fan": [FE.tolist(), DE.tolist()],
}


def long_csv(path: Path, rows: dict[str, Any]) -> None:
    keys = [key for key in ("drive", "fan") if key in rows]
    lines = [",".join(["item_id", "motor", "label", *keys])]
    for k, item in enumerate(rows["item"]):
        for cells in zip(*(rows[key][k] for key in keys), strict=True):
            lines.append(",".join([item, rows["motor"][k], rows["label"][k], *map(str, cells)]))
    path.write_text("\n".join(lines))


def parquet_rows(path: Path, rows: dict[str, Any]) -> None:
    pyarrow.parquet.write_table(pyarrow.table(rows), path)


def json_lines(path: Path, rows: dict[str, Any]) -> None:
    path.write_text("\n".join(json.dumps({key: of[k] for key, of in rows.items()}) for k in range(2)))


TABLES: dict[str, tuple[str, Callable[[Path, dict[str, Any]], None]]] = {
    "long_csv": ("a.csv", long_csv),
    "parquet": ("a.parquet", parquet_rows),
    "jsonl": ("a.jsonl", json_lines),
}


def of_table(folder: Path, kind: str, rows: dict[str, Any], **settings: Any) -> list[Recording]:
    name, write = TABLES[kind]
    write(folder / name, rows)
    known = {**KNOWN, "constants": {}, "channels": {"DE": "drive", "FE": "fan"}, **settings}
    reader: Any = plugins("motor.recordings.readers")[kind].model_validate({"path": str(folder / name), **known})
    return list(reader.read())


@pytest.mark.parametrize("kind", TABLES)
def test_channels_of_a_table_are_recordings_of_one_moment(tmp_path: Path, kind: str) -> None:
    found = {one.item: one for one in of_table(tmp_path, kind, ROWS)}
    assert set(found) == {"a:DE", "a:FE", "b:DE", "b:FE"}
    np.testing.assert_array_equal(found["b:DE"].signal, FE)
    np.testing.assert_array_equal(found["a:FE"].signal, FE)
    assert (found["a:DE"].domain, found["b:FE"].label, found["b:FE"].motor) == ("DE", "spark", "M2")
    assert {one.moment for one in found.values()} == {"a", "b"}


@pytest.mark.parametrize("kind", TABLES)
def test_channel_that_a_table_has_not_is_a_fault_or_left_out(tmp_path: Path, kind: str) -> None:
    rows = {key: of for key, of in ROWS.items() if key != "fan"}
    with pytest.raises(DataError, match=r"no (column )?'?fan"):
        of_table(tmp_path, kind, rows)
    found = of_table(tmp_path, kind, rows, on_missing_channel="skip")
    assert [one.item for one in found] == ["a:DE", "b:DE"]


@pytest.mark.parametrize("kind", TABLES)
def test_bad_channel_of_a_table_leaves_the_others(tmp_path: Path, kind: str) -> None:
    rows = {**ROWS, "drive": [[*DE.tolist()[:-1], float("1e30")], FE.tolist()]}
    found = of_table(tmp_path, kind, rows, on_bad_series="skip")
    assert [one.item for one in found] == ["a:FE", "b:DE", "b:FE"]
    with pytest.raises(DataError, match="channel DE" if kind != "long_csv" else "line 65: DE is"):
        of_table(tmp_path, kind, rows)
