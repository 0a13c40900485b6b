"""YAML files -> documents: YAML 1.2 scalars, the environment, and the command line's KEY=VALUE.

Nodes are PyYAML's. ruamel.yaml 0.19 was tried: its marks are as good, but it stops at the first duplicate key, gives
merged keys and aliases no places of their own, and reads 1_000 as a number and 2024-01-01 as a date.
"""

import math
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from grid.config.document import ConfigError, Document, Fault, Keys, Node, keys_text, shortened, shown, suggestion

_PLAIN = "!plain"  # our tag of every scalar written without quotes; PyYAML's own reading of them is YAML 1.1
_STANDARD = "tag:yaml.org,2002:"
_LARGEST = 1_000_000  # bytes of a config; the largest that is shipped has some 10,000
_MOST_REPEATED = 10_000  # values that aliases and merges stand for; each is checked like one that is written out
_MOST_WRITTEN = 100_000  # values and keys; the largest config that is shipped has some 200
_DEEPEST = 40  # levels; far above any config, far below Python's recursion limit

# The core schema of YAML 1.2.2 (section 10.3.2): 5e-5 is a number; yes, on and 2024-01-01 are strings.
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_TOO_LARGE = "it has {} bytes; a config has at most 1,000,000"
_WHAT = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}

_REFERENCE = re.compile(r"\$\{[^}]*\}?")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{)[^}])*))?\}")
_NAME = r"[^.\[\]=]+"
_OVERRIDE = re.compile(rf"({_NAME}(?:\.{_NAME}|\[[0-9]+\])*)=(.*)", re.DOTALL)


def read_document(path: Path, overrides: Sequence[str] = (), environment: Mapping[str, str] = os.environ) -> Document:
    """Read a YAML file (UTF-8, YAML 1.2 scalars) and lay the command line's settings over it.

    Parameters
    ----------
    path : Path
        The config; it stands in every place as it is given here.
    overrides : sequence of str
        ``KEY=VALUE``, where KEY is a dotted path (``axes.classifier[1]``) and VALUE is YAML.
    environment : mapping
        What ``${NAME}`` and ``${NAME:-default}`` in strings stand for; as in a shell, the default
        also serves for an empty variable. An unquoted value is read as YAML after the replacement.

    Returns
    -------
    Document
        Keys are strings as they are written (``1:`` is ``"1"``). Faults that do not hide the rest
        of the file wait in `Document.faults` for the check, which lists them with its own.

    Raises
    ------
    ConfigError
        If the file is missing, empty, not UTF-8, not YAML, or not a mapping.
    """
    composed = _compose(_read_text(path), str(path))
    if composed is None:
        raise ConfigError([Fault(str(path), "the file is empty; a config is a mapping of settings")])
    document = Document(_Builder(str(path), environment).build(composed, (), composed.start_mark))
    if not isinstance(document.root.value, dict):
        message = f"a config must be a mapping of settings, got {shown(document.data)}"
        raise ConfigError([*document.faults, Fault(document.root.place, message)])
    faults: list[Fault] = []
    for override in overrides:
        try:
            document = _overridden(document, override, environment)
        except ConfigError as error:
            faults.extend(error.faults)
    return Document(replace(document.root, faults=(*document.root.faults, *faults)))


class _Builder:
    """Turns PyYAML's nodes into ours: reads scalars, merges `<<`, fills in the environment, notes the faults."""

    def __init__(self, origin: str, environment: Mapping[str, str], from_command_line: bool = False) -> None:
        self.origin = origin
        self.environment = environment
        self.from_command_line = from_command_line
        self.open: list[yaml.Node] = []  # those that hold the one being built
        self._seen: set[int] = set()
        self._repeated = 0  # values that were built again, for an alias or a merge

    def build(self, node: yaml.Node, keys: Keys, mark: yaml.Mark) -> Node:
        """Build the node at `mark`: that of its key if it has one, so that an alias has its own place."""
        place = self._place(mark, keys)
        self._count(node, place)
        if node in self.open:
            return self._faulty(place, "an alias stands inside what it stands for; write the value out")
        if len(keys) > _DEEPEST:
            return self._faulty(place, f"nested more than {_DEEPEST} levels deep")
        self.open.append(node)
        built = self._built(node, keys, place)
        self.open.pop()
        return built

    def _count(self, node: yaml.Node, place: str) -> None:
        """Count what aliases and merges stand for; a few lines of them can stand for more than any memory holds."""
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > _MOST_REPEATED:
            raise ConfigError([Fault(place, f"aliases stand for more than {_MOST_REPEATED} values; write them out")])

    def _built(self, node: yaml.Node, keys: Keys, place: str) -> Node:
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_STANDARD}map":
            return self._mapping(node, keys, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_STANDARD}seq":
            items = [self.build(item, (*keys, i), item.start_mark) for i, item in enumerate(node.value)]
            return Node(tuple(items), place, self.from_command_line)
        if isinstance(node, yaml.ScalarNode) and node.tag in (_PLAIN, f"{_STANDARD}str"):
            return self._scalar(node, keys, place)
        return self._faulty(place, f"tag {node.tag.replace(_STANDARD, '!!')!r} is not read; write the value without it")

    def _mapping(self, node: yaml.MappingNode, keys: Keys, place: str) -> Node:
        entries: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        lines: dict[str, int] = {}
        faults: list[Fault] = []
        for key_node, value_node in node.value:
            key, mark = key_node.value, key_node.start_mark
            if not _is_text(key):
                faults.append(Fault(self._place(mark, keys), "a key must be plain text; quote it if it holds { or ["))
            elif key == "<<" and key_node.tag == _PLAIN:
                merged = {**self._merge_sources(value_node, keys, mark, faults), **merged}
            elif key in entries:
                message = f"duplicate key {shortened(repr(key))}, first given in line {lines[key]}; keep one"
                faults.append(Fault(self._place(mark, (*keys, key)), message))
            else:
                lines[key] = mark.line + 1
                entries[key] = self.build(value_node, (*keys, key), mark)
        return Node({**merged, **entries}, place, self.from_command_line, tuple(faults))

    def _merge_sources(self, node: yaml.Node, keys: Keys, mark: yaml.Mark, faults: list[Fault]) -> dict[str, Node]:
        """Return the entries that `<<` brings; of several mappings the first wins."""
        entries: dict[str, Node] = {}
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            built = self.build(source, keys, mark)
            faults.extend(built.faults)
            if isinstance(built.value, dict):
                entries = {**built.value, **entries}
            elif not built.faults:
                message = f"<< must name a mapping or a list of mappings, got {shown(built.data)}"
                faults.append(Fault(built.place, message))
        return entries

    def _scalar(self, node: yaml.ScalarNode, keys: Keys, place: str) -> Node:
        if not _is_text(node.value):
            return self._faulty(place, f"{shortened(repr(node.value))} holds half a character (a lone surrogate)")
        text, problems = self._filled(node.value, keys)
        value: object = text
        # An unset `${NAME}` stays as it is, and an empty variable is an empty string, not null.
        if node.tag == _PLAIN and not problems and (text or not node.value):
            value, problems = _plain_value(text)
        return Node(value, place, self.from_command_line, tuple(Fault(place, problem) for problem in problems))

    def _filled(self, text: str, keys: Keys) -> tuple[str, list[str]]:
        """Replace each `${NAME}` in a string; also return what is wrong with them."""
        problems = []

        def filling(reference: re.Match[str]) -> str:
            known = _VARIABLE.fullmatch(reference[0])
            if known is None:
                problems.append(f"{shortened(reference[0])!r} is neither ${{NAME}} nor ${{NAME:-default}}")
                return reference[0]
            name, default = known.groups()
            value = self.environment.get(name, default)
            if value is None:
                way_out = f"set {name} or give {keys_text(keys)}=VALUE on the command line"
                problems.append(f"environment variable {name} is not set; {way_out}")
                return reference[0]
            return value or default or ""

        return _REFERENCE.sub(filling, text), problems

    def _place(self, mark: yaml.Mark, keys: Keys) -> str:
        if self.from_command_line:
            return self.origin
        return f"{self.origin}:{mark.line + 1}:{mark.column + 1}, {shortened(keys_text(keys), 200)}".removesuffix(", ")

    def _faulty(self, place: str, message: str) -> Node:
        return Node(None, place, self.from_command_line, (Fault(place, message),))


class _TooManyError(yaml.MarkedYAMLError):
    """A text has more values than any config."""


class _Loader(yaml.SafeLoader):
    """Composes nodes only, with one tag for all unquoted scalars."""

    yaml_implicit_resolvers = {None: [(_PLAIN, re.compile(""))]}  # noqa: RUF012 - PyYAML's attribute
    n_written = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node, unless there are too many: each costs some 15 microseconds, and more when it is checked."""
        self.n_written += 1
        if self.n_written > _MOST_WRITTEN:
            raise _TooManyError(problem_mark=self.peek_event().start_mark)
        return super().compose_node(parent, index)


def _compose(text: str, origin: str, has_lines: bool = True) -> yaml.Node | None:
    """Parse YAML; its first syntax error becomes the one fault."""
    try:
        return _Loader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        position = _line_and_column(text[: error.position])
        message = f"character {text[error.position]!r} is not allowed in YAML"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        start = f" (from line {error.context_mark.line + 1})" if error.context and error.context_mark else ""
        context = f" {error.context}{start}," if error.context else ""
        message = f"not valid YAML:{context} {shortened(str(error.problem), 120)}{_hint(text, mark)}"
        if isinstance(error, _TooManyError):
            message = f"it has over {_MOST_WRITTEN} values; compare less at once"
    except RecursionError:
        position, message = "", "nested too deeply for a config"
    raise ConfigError([Fault(f"{origin}{position if has_lines else ''}", message)])


def _hint(text: str, mark: yaml.Mark | None) -> str:
    lines = text.split("\n")
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in line:
        return "; indent with spaces, not tabs"
    return '; between { } or [ ] write "${NAME}" with quotes' if "${" in line else ""


def _read_text(path: Path) -> str:
    """Read a file; what goes wrong on the way is its one fault."""
    try:
        _check_file(path.stat())
        with path.open("rb") as stream:  # a byte more than may be: it may have grown, or be of /proc
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise OSError(0, _TOO_LARGE.format("more"))
        return content.decode("utf-8-sig")
    except FileNotFoundError as error:
        names = sorted(file.name for file in path.parent.glob("*.y*ml"))
        there = f"configs in {path.parent}: {', '.join(names)}" if names else f"{path.parent} holds no configs"
        raise ConfigError([Fault(str(path), f"no such file; {there}{suggestion(path.name, names)}")]) from error
    except UnicodeDecodeError as error:
        position = _line_and_column(error.object[: error.start].decode("utf-8", "replace"))
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigError([Fault(f"{path}{position}", message)]) from error
    except OSError as error:
        raise ConfigError([Fault(str(path), f"cannot be read: {error.strerror}")]) from error


def _check_file(found: os.stat_result) -> None:
    """Raise OSError, with the reason as its text, for what cannot be a config: reading it might never end."""
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise OSError(0, f"it is no file but {_WHAT.get(stat.S_IFMT(found.st_mode), 'something else')}; save it as one")
    if stat.S_ISREG(found.st_mode) and found.st_size > _LARGEST:
        raise OSError(0, _TOO_LARGE.format(found.st_size))


def _overridden(document: Document, override: str, environment: Mapping[str, str]) -> Document:
    """Set what one KEY=VALUE says."""
    place = f"command line, {shortened(override)}"
    parsed = _OVERRIDE.fullmatch(override)
    if parsed is None:
        raise ConfigError([Fault(place, "not KEY=VALUE, with a KEY like finetune.num_steps or axes.classifier[1]")])
    steps = re.findall(rf"\[([0-9]+)\]|({_NAME})", parsed[1])
    keys: Keys = tuple(int(number) if number else name.strip() for number, name in steps)
    value = Node(None, place, from_command_line=True)
    if composed := _compose(parsed[2], place, has_lines=False):
        value = _Builder(place, environment, from_command_line=True).build(composed, keys, composed.start_mark)
    return document.with_value(keys, value)


def _plain_value(text: str) -> tuple[object, list[str]]:
    """Read an unquoted scalar, and say what is wrong with it."""
    if _NULL.fullmatch(text):
        return None, []
    if _BOOLEAN.fullmatch(text):
        return text.lower() == "true", []
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        value = float(re.sub(r"\.(?=[a-zA-Z])", "", text))
        if not math.isfinite(value):
            return 0.0, [f"{shortened(text)} is no number that a setting can have; write a finite one, or quote a name"]
        return value, []
    return text, []


def _integer(text: str) -> tuple[int, list[str]]:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    # The length first: Python refuses to turn thousands of digits into an int.
    digits = text[2:] if base != 10 else text
    if len(digits) > 100 or abs(value := int(digits, base)) >= 2**63:
        return 0, [f"{shortened(text)} does not fit into 64 bits; quote it if it is a name"]
    return value, []


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _line_and_column(before: str) -> str:
    return f":{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
