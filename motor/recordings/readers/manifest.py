"""A CSV table over signal files, one row a recording."""

import csv
import os
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from motor.recordings.names import is_nothing, shown
from motor.recordings.readers.source import ITEM_FIELDS, Source
from motor.recordings.recording import DataError, near
from motor.recordings.signal_reader import SignalReader
from motor.recordings.text import header_below, opened_text, rows_of


class Manifest(SignalReader):
    """One row a recording: the file that holds its signal, and its fields.

    The table is separated by commas, semicolons, tabs or bars, whichever its first line has most of.
    Expected columns are `file`, and, where they are there, `item`, `variable` (in the place of the setting, for this
    file) and the fields of a recording under their own names; `columns` says where one has another name. An item
    without a name of its own takes the file's.

    Attributes
    ----------
    path : str
        The table, or the folder that holds it under the name ``manifest.csv``.
    root : str, optional
        What the table's files are relative to, itself relative to the table's folder; by default that folder.
    """

    kind: Literal["manifest"] = "manifest"
    default_columns: ClassVar[Mapping[str, str]] = {
        name: name for name in ("file", "item", "variable", *ITEM_FIELDS)
    }  # fmt: skip
    required_columns: ClassVar[tuple[str, ...]] = ("file",)

    root: str | None = Field(default=None, exclude=True)

    def files(self) -> list[Path]:
        """Return the table and the files that it names, sorted."""
        return sorted({self._table_path(), *(file for _, _, file in self._rows())})

    def base_folder(self) -> Path:
        """Return the folder that the table's files are relative to."""
        return self._table_path().parent / (self.root or "")

    def sources(self) -> Iterator[Source]:
        """Yield one source a row, in the table's order."""
        for line, fields, file in self._rows():
            place = f"{self._table_path()}, line {line}, {file}"
            item = fields.get("item")
            yield from self.of_file(file, fields["file"] if is_nothing(item) else str(item), place, fields)

    def _table_path(self) -> Path:
        """Return the table's path."""
        path = self.existing_path()
        path = path / "manifest.csv" if path.is_dir() else path
        if not path.is_file():
            raise DataError(f"{path}: there is no such table; set the dataset's path to the manifest's CSV file")
        return path

    def _rows(self) -> list[tuple[int, dict[str, str], Path]]:
        """Return each row's line, its fields and its file; raise before anything is read if a file is missing."""
        path = self._table_path()
        number, header, cells = self._cells(path)
        columns = self.found_columns(header, f"{path}, line {number}")
        ragged = next(((line, row) for line, row in cells if len(row) != len(header)), None)
        if ragged:
            line, row = ragged
            raise DataError(f"{path}, line {line}: {len(row)} cells, the header has {len(header)}; correct the line")
        rows = [(line, _fields(header, row, columns)) for line, row in cells]
        files = [(line, fields, self._file(fields["file"])) for line, fields in rows]
        self._check_files(files)
        return files

    def _file(self, stated: str) -> Path:
        """Return the path of a file as a row tells it.

        Perhaps with blanks around, with a Windows path's marks, or with its letters composed in another way.
        """
        file = self.base_folder() / stated.strip()
        if os.path.exists(file):  # noqa: PTH110  # one that is too long is none, too
            return file
        turned = stated.strip().replace("\\", "/")
        ways = (self.base_folder() / unicodedata.normalize(form, turned) for form in ("NFC", "NFD"))
        return next((way for way in ways if os.path.exists(way)), file)  # noqa: PTH110

    def _cells(self, path: Path) -> tuple[int, list[str], list[tuple[int, list[str]]]]:
        """Return the table's header, and its other lines that are not empty, with their numbers.

        Raises
        ------
        DataError
            If it is no such table, or titles stand above its header.
        """
        try:
            with opened_text(path) as text:
                rows = rows_of(text)
                number, header = next(rows, (1, []))
                cells = [(line, row) for line, row in rows if any(map(str.strip, row))]
            with opened_text(path) as text:
                above = header_below(text, [{**self.default_columns, **self.columns}["file"]])
            if above is not None and above + 1 > number:
                raise DataError(
                    f"{path}, line {number}: the names of the columns stand in line {above + 1}; take out what stands "
                    "above them"
                )
            return number, [name.strip() for name in header], cells
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(
                f"{path}: this is no CSV table in UTF-8 ({error}); save it as that (in a spreadsheet: CSV UTF-8)"
            ) from error

    def _check_files(self, files: list[tuple[int, dict[str, str], Path]]) -> None:
        """Raise if the table has no rows or names a file that does not exist."""
        if not files:
            raise DataError(f"{self._table_path()}, line 2: the table has no rows; add one for each recording")
        self._check_distinct(files)
        missing = [(line, fields["file"]) for line, fields, file in files if not os.path.isfile(file)]  # noqa: PTH113
        if missing:
            line, name = missing[0]
            raise DataError(
                f"{self._table_path()}, line {line}: there is no file {shown(name)}"
                f"{_near(self.base_folder() / name)} in {self.base_folder()} ({len(missing)} of "
                f"{len(files)} files are missing); put it there, take out the row, or set root"
            )

    def _check_distinct(self, files: list[tuple[int, dict[str, str], Path]]) -> None:
        """Raise if two rows name one file."""
        first: dict[tuple[str, str | None], int] = {}
        for line, fields, file in files:
            one = (os.path.abspath(file), fields.get("variable"))  # noqa: PTH100  # without a look at each
            if first.setdefault(one, line) != line:
                raise DataError(
                    f"{self._table_path()}, line {line}: {shown(fields['file'])} stands already in line {first[one]}; "
                    "one file is one recording: take one of the rows out, or give each recording a file of its own"
                )


def _near(file: Path) -> str:
    return near(file.name, [other.name for other in file.parent.iterdir()]) if file.parent.is_dir() else ""


def _fields(header: list[str], row: list[str], columns: dict[str, str]) -> dict[str, str]:
    """Return what a row tells, by field."""
    cells = dict(zip(header, row, strict=True))
    return {name: cells[column] for name, column in columns.items()}


PLUGIN = Manifest
