"""The footer of a Parquet file, against Arrow's own reading of it."""

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from motor.recordings.formats.parquet_footer import row_groups

pytestmark = pytest.mark.hostile


@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize("packing", ["NONE", "ZSTD"])
def test_footer_is_what_arrow_reads(tmp_path: Path, rows: int, packing: str) -> None:
    columns = {"item": ["a", "b", "c", None, "e"], "signal": [np.arange(9.0)] * 5, "raw": [b"1234"] * 5, "x": [1.5] * 5}
    table = pyarrow.table({**columns, "part": [{"plant": 1, "line": 2}] * 5})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", row_group_size=rows, compression=packing)
    arrow = pyarrow.parquet.ParquetFile(tmp_path / "a.parquet").metadata
    found = row_groups(tmp_path / "a.parquet")
    assert len(found) == arrow.num_row_groups
    for number, group in enumerate(found):
        known = arrow.row_group(number)
        assert group.n_rows == known.num_rows
        chunks = [known.column(k) for k in range(known.num_columns)]
        assert [(".".join(one.path), one.n_values, one.n_bytes) for one in group.chunks] == [
            (one.path_in_schema, one.num_values, one.total_uncompressed_size) for one in chunks
        ]
        assert group.n_samples("signal") == 9 * group.n_rows


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1\0\0\0\0PAR1", b"PAR1" + b"\xff" * 40 + b"\x20\0\0\0PAR1", b"x" * 99]
)
def test_footer_that_is_none_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(ValueError, match="footer"):
        row_groups(tmp_path / "a.parquet")
