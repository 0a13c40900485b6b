from pathlib import Path

import pyarrow
import pytest

from motor.recordings import csv_blocks
from motor.recordings.csv_blocks import Layout, parsed_blocks
from motor.recordings.recording import DataError

LAYOUT = Layout(("name", "x"), ",", {"name": pyarrow.string(), "x": pyarrow.float32()})


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 64)


def write(folder: Path, lines: list[str], end: str = "\n") -> Path:
    file = folder / "x.csv"
    file.write_bytes((end.join(["name,x", *lines]) + end).encode())
    return file


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blocks_know_their_first_line_and_keep_every_row(end: str, tmp_path: Path) -> None:
    file = write(tmp_path, [f"a{k},{k}" for k in range(200)], end)
    blocks = list(parsed_blocks(file, LAYOUT))
    assert len(blocks) > 10
    assert [x for block in blocks for x in block.rows["x"].to_pylist()] == list(range(200))
    assert all(block.rows["name"][0].as_py() == f"a{block.first_line - 2}" for block in blocks)


def test_blocks_last_line_without_end_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("name,x\na,1\nb,2")
    blocks = parsed_blocks(tmp_path / "x.csv", LAYOUT)
    assert [x for block in blocks for x in block.rows["x"].to_pylist()] == [1.0, 2.0]


def test_blocks_with_what_is_no_number_come_as_text_and_the_others_as_numbers(tmp_path: Path) -> None:
    lines = [f"a,{k}" for k in range(100)]
    blocks = list(parsed_blocks(write(tmp_path, [*lines[:50], "a,one", *lines[51:]]), LAYOUT))
    kinds = [str(block.rows["x"].type) for block in blocks]
    assert kinds.count("string") == 1
    assert "one" in blocks[kinds.index("string")].rows["x"].to_pylist()


@pytest.mark.parametrize("line", [2, 60, 301])
@pytest.mark.parametrize(("row", "n_cells"), [("a,1,2", 3), ("a", 1)])
def test_blocks_row_of_another_length_is_named(line: int, row: str, n_cells: int, tmp_path: Path) -> None:
    lines = [f"a,{k}" for k in range(300)]
    lines[line - 2] = row
    with pytest.raises(DataError, match=rf"x\.csv, line {line}: {n_cells} cells, the header has 2; correct the line"):
        list(parsed_blocks(write(tmp_path, lines), LAYOUT))


def test_blocks_line_in_another_encoding_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, [f"a,{k}" for k in range(50)])
    file.write_bytes(file.read_bytes() + "größe,1\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"x\.csv, line 52: this is not UTF-8"):
        list(parsed_blocks(file, LAYOUT))


def test_blocks_without_line_feeds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="end with carriage returns alone; end them with line feeds"):
        list(parsed_blocks(write(tmp_path, ["a,1"] * 100, "\r"), LAYOUT))


def test_blocks_line_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_blocks, "LONGEST_LINE", 100)
    with pytest.raises(DataError, match="a line of more than 100 bytes"):
        list(parsed_blocks(write(tmp_path, ["a" * 1000]), LAYOUT))


def test_blocks_carriage_return_within_a_line_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"name,x\r\na,1\r\na,2\ra,3\r\na,4\r\n")
    with pytest.raises(DataError, match=r"x\.csv, line 3: a carriage return within the line"):
        list(parsed_blocks(tmp_path / "x.csv", LAYOUT))
