"""Python files from outside this project, as modules: found, imported, and carried in records.

A module is imported as ``outside_<digest>.<name>`` from a copy, where the digest is that of all the files that it is
made of. So two versions of one file are two modules, which live side by side in a process, and a class says by its
module which source it was made from. Its source stands in the records of what it decides (see `SOURCE`): whoever reads
the record has the code, too.
"""

import hashlib
import importlib
import importlib.util
import json
import os
import pickle
import re
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

SOURCE = "plugin_source"  # in a record: the module's name and its files
PREFIX = "outside_"
DIGEST_LENGTH = 16  # hex digits
SUFFIX = ".py"

Source = Mapping[str, Any]  # {"module": its name, "files": {relative path: text}}


class PluginError(ValueError):
    """A plug-in from outside cannot be used; the message says which file, why, and the next step."""


def found(entry: str, beside: Path) -> list[tuple[str, Source]]:
    """Return the modules that an entry of ``plugins:`` means, each with the file or folder that people know it by.

    Parameters
    ----------
    entry : str
        A ``.py`` file; a folder, of which each file and each package that does not begin with ``_`` is one; a package
        that has a plug-in itself; or the dotted name of an installed module.
    beside : Path
        What a relative path is relative to.

    Raises
    ------
    PluginError
        If there is no such thing.
    """
    path = beside / Path(entry).expanduser()
    if os.path.exists(path):  # noqa: PTH110 - `Path.exists` raises where a name is longer than any file's
        return [(str(unit), _source(unit, path.parent if unit == path else path)) for unit in _units(path)]
    if _top_of_module(entry) is None:
        raise PluginError(
            f"there is no file, folder or module {entry[:255]!r} (paths are seen from {beside.absolute()}); "
            "correct the path"
        )
    return found_in_module(entry)


def found_in_module(name: str) -> list[tuple[str, Source]]:
    """Return the modules that an installed module means: itself, or all that are in it; see `found`."""
    top = _top_of_module(name)
    if top is None:
        raise PluginError(f"there is no module {name!r}; install what has it, or correct the name")
    path = _of_module(top, name)
    return [(str(unit), _source(unit, top.parent, whole=top)) for unit in _units(path)]


def opened(source: Source, known_as: str = "") -> ModuleType:
    """Return the module of a source, imported.

    Parameters
    ----------
    source : mapping
        As it stands in a record.
    known_as : str
        What people call it, for the error.

    Raises
    ------
    PluginError
        If it cannot be imported.
    """
    package = _package(json.dumps(source, sort_keys=True))
    try:
        return importlib.import_module(f"{package}.{source['module']}")
    except Exception as error:  # it is somebody's code: anything may come of it
        place = known_as or f"plug-in {source['module']}"
        raise PluginError(f"{place}{_line(error, package)}: {_said(error)}; correct the file") from error


def open_sources(record: Any) -> None:
    """Import every module whose source stands in a record, so that what was pickled with it can be opened."""
    for source in sources_in(record):
        opened(source)


def sources_in(record: Any) -> Iterator[Source]:
    """Yield the sources that stand in a record, at any depth."""
    if isinstance(record, Mapping):
        if isinstance(record.get(SOURCE), Mapping):
            yield record[SOURCE]
        record = list(record.values())
    if isinstance(record, list | tuple):
        for value in record:
            yield from sources_in(value)


def without_text(record: Any) -> Any:
    """Return a record for people to read: of each source the module's name, and the digest that stands in its name."""
    if isinstance(record, Mapping):
        return {name: _name_of(value) if name == SOURCE else without_text(value) for name, value in record.items()}
    return [without_text(value) for value in record] if isinstance(record, list | tuple) else record


def _name_of(source: Source) -> str:
    return f"{source['module']} {_digest(json.dumps(source, sort_keys=True))}"


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:DIGEST_LENGTH]


@dataclass(frozen=True)
class Carried:
    """A value that takes along, when it is pickled, the sources of the modules that it is made of."""

    value: Any
    sources: tuple[Source, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (self.sources, pickle.dumps(self.value))


def _unpacked(sources: tuple[Source, ...], content: bytes) -> Carried:
    for source in sources:
        opened(source)
    return Carried(pickle.loads(content), sources)


def source_of(cls: type) -> Source | None:
    """Return the source that a class was made from; None for one of this project."""
    package = cls.__module__.partition(".")[0]
    return vars(sys.modules[package]).get(SOURCE.upper()) if package.startswith(PREFIX) else None


def packages_of(classes: Iterable[type]) -> list[Path]:
    """Return the folders of the packages that some classes are imported from, for processes that import them, too."""
    names = {cls.__module__.partition(".")[0] for cls in classes}
    return sorted(Path(sys.modules[name].__path__[0]) for name in names if name.startswith(PREFIX))


def _units(path: Path) -> Iterator[Path]:
    """Yield the modules of a file, a package or a folder."""
    if path.is_file():
        if path.suffix != SUFFIX:
            raise PluginError(f"{path} is no Python file; name a {SUFFIX} file, a folder or a module")
        yield path
        return
    if not path.is_dir():
        raise PluginError(f"{path} is neither a file nor a folder; name a {SUFFIX} file, a folder or a module")
    if "PLUGIN" in _text(path / "__init__.py"):
        yield path
        return
    inside = [one for one in sorted(path.iterdir()) if not one.name.startswith(("_", "."))]
    units = [one for one in inside if one.suffix == SUFFIX or (one / "__init__.py").is_file()]
    if not units:
        raise PluginError(f"{path} has no plug-in; put a {SUFFIX} file with PLUGIN = ... into it")
    yield from units


def _source(unit: Path, root: Path, whole: Path | None = None) -> Source:
    """Return the source of one module: its files and the helpers that they name, or all of an installed package."""
    named = ".".join(unit.relative_to(root).with_suffix("").parts)
    files = set(_python_files(whole or unit))
    if whole is None:
        files |= _helpers(unit, files)
    return {"module": named, "files": {file.relative_to(root).as_posix(): _text(file) for file in sorted(files)}}


def _helpers(unit: Path, files: set[Path]) -> set[Path]:
    """Return the files beside a module that begin with ``_`` and that it names, or another such file does."""
    candidates = [path for path in unit.parent.glob("_*") if not path.name.startswith("__")]
    texts, taken = [_text(file) for file in files], set[Path]()
    while texts:
        text = texts.pop()
        for path in candidates:
            new = set(_python_files(path)) - taken
            if new and re.search(rf"\b{re.escape(path.stem)}\b", text):
                taken |= new
                texts += [_text(file) for file in new]
    return taken


def _python_files(path: Path) -> Iterator[Path]:
    if path.is_file() and path.suffix == SUFFIX:
        yield path
    elif (path / "__init__.py").is_file():
        yield from (file for file in path.rglob(f"*{SUFFIX}") if "__pycache__" not in file.parts)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _top_of_module(name: str) -> Path | None:
    """Return the file or folder of an installed module's topmost package."""
    if not all(part.isidentifier() for part in name.split(".")):
        return None
    spec = importlib.util.find_spec(name.partition(".")[0])
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin)
    return file.parent if spec.submodule_search_locations else file


def _of_module(top: Path, name: str) -> Path:
    """Return the file or folder of a module in its topmost package."""
    inside = name.split(".")[1:]
    folder = top.joinpath(*inside)
    path = folder if folder.is_dir() or not inside else folder.with_suffix(SUFFIX)
    if not path.exists():
        raise PluginError(f"{top} has no module {name!r}; correct the name")
    return path


@cache
def _package(source: str) -> str:
    """Make a source importable in this process and return its package."""
    name = f"{PREFIX}{_digest(source)}"
    if name not in sys.modules and importlib.util.find_spec(name) is None:  # Ray's workers are given it
        folder, record = Path(_copies().name) / name, json.loads(source)
        files = {**record["files"], "__init__.py": f"{SOURCE.upper()} = {record!r}\n"}
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
    importlib.import_module(name)
    return name


@cache
def _copies() -> "tempfile.TemporaryDirectory[str]":
    """Return the folder of copies, on the path until this process ends."""
    folder = tempfile.TemporaryDirectory(prefix=f"motor-grid-{os.getpid()}-")
    sys.path.append(folder.name)
    return folder


def _line(error: BaseException, package: str) -> str:
    """Return the line of the module where its import failed."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if package in frame.filename]
    return f", line {lines[-1]}" if lines else ""


def _said(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}"
