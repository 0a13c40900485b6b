"""A table of vectors, one for each item: read from Parquet or NPZ, checked whole, and written in the same form."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from motor.lazy import pandas as pd
from motor.lazy import pyarrow as pa

ITEM, FOLD, VECTOR, COLUMN, ABOUT = "item", "fold", "vector", "column", "about"
SUFFIXES = (".parquet", ".npz")
SHOWN = 5  # items of one fault, by name


class VectorsError(ValueError):
    """A table of vectors cannot be used: the file, every fault with its items, and the next step."""


@dataclass(frozen=True)
class Vectors:
    """Vectors by item, or by fold and item.

    Attributes
    ----------
    path : Path
        Where they were read, for messages.
    table : DataFrame
        Column ``item``, perhaps ``fold``, then the vectors' numbers, each column in the type of the file.
    about : mapping
        What the file says of the model: ``learned_from`` (fold -> motors that it learned from), ``saw_labels``
        (fold -> whether it learned the labels of training series), ``pretrained_on`` (names of data sets).
    """

    path: Path
    table: "pd.DataFrame"
    about: Mapping[str, Any] = field(default_factory=dict)

    def of_fold(self, fold: str, items: Sequence[str]) -> "pd.DataFrame":
        """Return the vectors of some items, indexed by item, in their order.

        Raises
        ------
        VectorsError
            If the table has no such fold, or lacks items.
        """
        known = self.table
        if FOLD in known:
            known = known[known[FOLD] == fold]
            if known.empty:
                folds = ", ".join(map(repr, sorted(self.table[FOLD].unique())[:SHOWN]))
                raise VectorsError(f"{self.path}: no vectors of fold {fold!r}; its folds are {folds}; {_NEXT_STEP}")
        known = known.drop(columns=FOLD, errors="ignore").set_index(ITEM)
        if missing := [item for item in items if item not in known.index]:
            where = f" in fold {fold!r}" if FOLD in self.table else ""
            raise VectorsError(f"{self.path}: {_counted(missing, 'missing')}{where}; {_NEXT_STEP}")
        return known.loc[list(items)]


_NEXT_STEP = "make the table again, with one vector for each item of the data (docs/given.md)"


def read_vectors(path: str | Path) -> Vectors:
    """Read a table of vectors, and check all that can be known without the data.

    Parameters
    ----------
    path : str or Path
        ``.parquet``: a column ``item``, perhaps a column ``fold``, and numbers: one column of lists ``vector``, or one
        column for each number. ``.npz``: arrays ``item`` (n_items,), ``vector`` (n_items, n_numbers), perhaps ``fold``
        and ``column`` (names of the numbers); or one array for each item, under its name. No pickle is ever opened.

    Raises
    ------
    VectorsError
        With every fault of the file at once: items that come twice, numbers that are not finite, unequal lengths.
    """
    path = Path(path)
    readers = {".parquet": _from_parquet, ".npz": _from_npz}
    if path.suffix not in readers:
        raise VectorsError(f"{path}: a table of vectors is {' or '.join(SUFFIXES)}, not {path.suffix or 'without end'}")
    try:
        columns, vectors, about = readers[path.suffix](path)
    except VectorsError:
        raise
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise VectorsError(f"{path}: it cannot be read as {path.suffix} ({error}); {_NEXT_STEP}") from error
    return Vectors(path, _checked(path, columns, vectors), about)


def write_vectors(vectors: Vectors, path: Path) -> None:
    """Write a table of vectors, so that `read_vectors` gives the same numbers to the last bit.

    Raises
    ------
    VectorsError
        If the path ends neither in .parquet nor in .npz.
    """
    if path.suffix not in SUFFIXES:
        raise VectorsError(f"{path}: a table of vectors is written as {' or '.join(SUFFIXES)}; end its name so")
    about = json.dumps(dict(vectors.about), ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        table = pa.Table.from_pandas(vectors.table, preserve_index=False)
        pa.parquet.write_table(table.replace_schema_metadata({ABOUT: about}), path)
        return
    names = {name: vectors.table[name].to_numpy(str) for name in (ITEM, FOLD) if name in vectors.table}
    numbers = vectors.table.drop(columns=[*names])
    columns = numbers.columns.to_numpy(str)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **names, column=columns, vector=numbers.to_numpy(), about=np.array(about))


Read = tuple[dict[str, Sequence[str]], "pd.DataFrame | list[np.ndarray]", Mapping[str, Any]]


def _from_parquet(path: Path) -> Read:
    table = pa.parquet.read_table(path, partitioning=None)
    if ITEM not in table.column_names:
        raise VectorsError(f"{path}: no column {ITEM!r}; there are: {', '.join(table.column_names[:SHOWN])}")
    names: dict[str, Sequence[str]] = {
        name: [str(one) for one in table[name].to_pylist()] for name in (ITEM, FOLD) if name in table.column_names
    }
    rest = table.drop_columns(list(names))
    about = _about(path, (table.schema.metadata or {}).get(ABOUT.encode(), b"{}").decode())
    is_list = rest.column_names == [VECTOR] and not pa.types.is_floating(rest.schema.field(VECTOR).type)
    return names, _lists(path, rest[VECTOR]) if is_list else _columns(path, rest), about


def _lists(path: Path, column: "pa.ChunkedArray") -> list[np.ndarray]:
    of_list = column.type
    nested = pa.types.is_list(of_list) or pa.types.is_large_list(of_list) or pa.types.is_fixed_size_list(of_list)
    if not (nested and (pa.types.is_floating(of_list.value_type) or pa.types.is_integer(of_list.value_type))):
        raise VectorsError(f"{path}: column {VECTOR!r} holds {of_list}, no lists of numbers")
    as_numpy = of_list.value_type.to_pandas_dtype()
    rows = ([] if row is None else [np.nan if one is None else one for one in row] for row in column.to_pylist())
    return [np.array(row, dtype=as_numpy if np.issubdtype(as_numpy, np.floating) else np.float64) for row in rows]


def _columns(path: Path, table: "pa.Table") -> "pd.DataFrame":
    kinds = {one.name: one.type for one in table.schema}
    texts = [name for name, kind in kinds.items() if not (pa.types.is_floating(kind) or pa.types.is_integer(kind))]
    if texts:
        raise VectorsError(
            f"{path}: column {texts[0]!r} holds {kinds[texts[0]]}, no numbers; a table of vectors has {ITEM}, perhaps "
            f"{FOLD}, and numbers alone: take out what tells labels or motors"
        )
    return table.to_pandas()


def _from_npz(path: Path) -> Read:
    with np.load(path, allow_pickle=False) as arrays:
        if ITEM in arrays.files:
            if VECTOR not in arrays.files:
                raise VectorsError(f"{path}: there is an array {ITEM!r} and none {VECTOR!r} (n_items, n_numbers)")
            names = {name: arrays[name].astype(str).tolist() for name in (ITEM, FOLD) if name in arrays.files}
            numbers, about = arrays[VECTOR], str(arrays[ABOUT]) if ABOUT in arrays.files else "{}"
            columns = arrays[COLUMN].astype(str).tolist() if COLUMN in arrays.files else None
        else:
            names, about, columns = {ITEM: list(arrays.files)}, "{}", None
            numbers = [arrays[name] for name in arrays.files]
    wrong = next((one for one in numbers if one.ndim != 1 or one.dtype.kind not in "fiu"), None)
    if wrong is not None or any(len(of) != len(numbers) for of in names.values()):
        example = "" if wrong is None else f"; one is of shape {wrong.shape}, {wrong.dtype}"
        raise VectorsError(f"{path}: {len(names[ITEM])} items, and not as many vectors of numbers{example}")
    about_model = _about(path, about)
    if columns is None:
        return names, list(numbers), about_model

    if len(columns) != np.shape(numbers)[-1] or len(set(columns)) < len(columns):
        raise VectorsError(f"{path}: {len(columns)} names in {COLUMN!r} for {np.shape(numbers)[-1]} distinct numbers")
    return names, pd.DataFrame(np.asarray(numbers), columns=columns), about_model


def _about(path: Path, text: str) -> Mapping[str, Any]:
    about = json.loads(text)
    if not isinstance(about, dict):
        raise VectorsError(f"{path}: {ABOUT!r} is {text[:40]!r}, no JSON object; leave it out, or see docs/given.md")
    return about


def _checked(
    path: Path, names: Mapping[str, Sequence[str]], vectors: "pd.DataFrame | list[np.ndarray]"
) -> "pd.DataFrame":
    """Return one table of names and numbers, or raise with all that is wrong with it."""
    items, faults = names[ITEM], []
    if not len(items):
        raise VectorsError(f"{path}: it has no rows; {_NEXT_STEP}")
    if FOLD in names:
        keys = list(zip(names[FOLD], items, strict=True))
        doubled = [f"{item} (fold {fold})" for fold, item in _doubled(keys)]
    else:
        doubled = [item for (item,) in _doubled([(item,) for item in items])]
    faults += [_counted(doubled, "given twice")] if doubled else []
    if isinstance(vectors, list):
        lengths = [len(one) for one in vectors]
        usual = max(set(lengths), key=lengths.count)
        unequal = [f"{item} ({n})" for item, n in zip(items, lengths, strict=True) if n != usual or n == 0]
        faults += [_counted(unequal, f"of unequal length (most have {usual})")] if unequal else []
        is_finite = [bool(np.isfinite(one).all()) for one in vectors]
    else:
        faults += [] if vectors.shape[1] else ["there are no numbers beside the names"]
        is_finite = np.isfinite(vectors.to_numpy(dtype=np.float64, na_value=np.nan)).all(axis=1).tolist()
    strange = [item for item, fine in zip(items, is_finite, strict=True) if not fine]
    faults += [_counted(strange, "not finite")] if strange else []
    if faults:
        raise VectorsError(f"{path}: {'; '.join(faults)}; {_NEXT_STEP}")
    if isinstance(vectors, list):
        together = np.stack(vectors)
        together = together if together.dtype in (np.float32, np.float64) else together.astype(np.float64)
        vectors = pd.DataFrame(together, columns=[f"{VECTOR}_{n:04d}" for n in range(usual)])
    return pd.concat([pd.DataFrame(dict(names), dtype=str), vectors.reset_index(drop=True)], axis=1)


def _doubled(keys: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    seen, twice = set[tuple[str, ...]](), dict[tuple[str, ...], None]()
    for key in keys:
        twice.update({key: None} if key in seen else {})
        seen.add(key)
    return list(twice)


def _counted(items: Sequence[str], what: str) -> str:
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return f"{len(items)} {'item is' if len(items) == 1 else 'items are'} {what}: {', '.join(items[:SHOWN])}{more}"
