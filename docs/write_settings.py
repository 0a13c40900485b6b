"""Write the tables of settings.md and plugins.md from the code: `python docs/write_settings.py [--check]`.

The text of a page is written by hand; what stands between ``<!-- settings: NAME -->`` and ``<!-- end -->`` is
written here. A field is described by its `Field(description=...)`, else by its class's docstring.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

import motor
from motor.experiment.settings import SHARED, Settings
from motor.registry import Plugin, Record, plugins

PAGES = [Path(__file__).with_name(name) for name in ("settings.md", "plugins.md")]
HOUSE = Path(motor.__file__ or "").parent
MARK = re.compile(r"(<!-- settings: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
# In a NumPy docstring: a section of fields, and in it the names and the indented lines of each entry.
SECTION = re.compile(r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^(\w[\w, ]*) : .*\n((?:[ ]+.*\n?)+)", re.MULTILINE)
TOP = ("name", "plugins", "seed", "normal", "quantile_levels")
TYPES = {str: "text", int: "integer", float: "number", bool: "`true` or `false`", Any: "anything"}
LIMITS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}", "multiple_of": "multiple of {}"}
MISSING = "no description"


def rendered(page: str) -> str:
    """Return the page with every table written anew."""
    return MARK.sub(lambda mark: f"{mark[1]}\n{section(mark[2])}\n\n{mark[3]}", page)


def section(name: str) -> str:
    """Return what stands between the marks of one name."""
    if name == "top":
        return _table({field: Settings.model_fields[field] for field in TOP}, documented(Settings))
    if name == "shared":
        return ", ".join(f"`{field}`" for field in SHARED)
    if name == "methods":
        return _methods()
    if name == "rooms":
        return _rooms()
    return "\n\n".join(_parts(Settings.model_fields[name]))


def _methods() -> str:
    recipes: dict[str, Any] = {name: plugin.model_validate({}) for name, plugin in plugins("motor.methods").items()}
    rows = [f"| `{name}` | {recipe.describe()} | `{recipe.folder}` |" for name, recipe in recipes.items()]
    return "\n".join(["| Method | Recipe | Folder in the results |", "|---|---|---|", *rows])


def _rooms() -> str:
    """Return which class a plug-in of each room derives from, and where those of the project are."""
    for file in sorted(HOUSE.rglob("base.py")):
        importlib.import_module(".".join(file.relative_to(HOUSE.parent).with_suffix("").parts))
    bases = [cls for cls in _subclasses(Plugin) if "ROOM" in vars(cls) and cls.__module__.startswith("motor.")]
    for base in bases:
        plugins(base.ROOM)  # imports what is in the folder, so that the table is the same whatever was imported before
    lines = ["| Derives from | What it is | Those of the project |", "|---|---|---|"]
    for base in sorted(bases, key=lambda cls: cls.ROOM):
        folder = base.ROOM.replace(".", "/")
        finer = [cls for cls in _subclasses(base) if not _kind_of(cls) and cls.__module__.startswith("motor.")]
        named = ", ".join(f"`{cls.__module__}.{cls.__name__}`" for cls in (base, *finer))
        lines.append(f"| {named} | {_text(_summary(base))} | [{folder}](../{folder}) |")
    return "\n".join(lines)


def _subclasses(cls: Any) -> Iterator[Any]:
    """Yield the classes that are derived from one, each once, in the order of their definition."""
    yield from dict.fromkeys(found for sub in cls.__subclasses__() for found in (sub, *_subclasses(sub)))


def _kind_of(cls: Any) -> str | None:
    default = cls.model_fields["kind"].default
    return default if isinstance(default, str) else None


def _parts(field: FieldInfo) -> Iterator[str]:
    """Yield the paragraphs and tables of one section."""
    kinds = [member for member in _members(field.annotation) if member is not NoneType]
    if len(kinds) > 1:
        yield from _choice(kinds, field)
        return
    inside = kinds[0].model_fields
    records = [_record(part.annotation) for part in inside.values()]
    if all(record is not None and issubclass(record, Plugin) for record in records):
        yield from _plugins(records, is_off=all(part.default is None for part in inside.values()))
        return
    yield _table(inside, documented(kinds[0]))
    for record in dict.fromkeys(record for record in records if record is not None):
        yield f"Each of these mappings has:\n\n{_table(record.model_fields, documented(record))}"
    for name, part in inside.items():
        if listed := _listed_kinds(part.annotation):
            yield from _kinds_of_list(name, listed)


def _listed_kinds(annotation: Any) -> list[Any]:
    """Return the plug-ins of which a field takes one or several, none where it takes no such thing."""
    inner = get_args(annotation)[0] if get_origin(annotation) is tuple else None
    kinds = _members(inner.__origin__ if get_origin(inner) is Annotated else inner)
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Plugin)]


def _kinds_of_list(name: str, kinds: list[Any]) -> Iterator[str]:
    """Yield what the mappings of such a field have."""
    base = _common(kinds)
    rows = [f"| `{_kind(kind)}` | {_text(_summary(kind))} |" for kind in kinds]
    yield "\n".join([f"| `{name}`: `kind` | Meaning |", "|---|---|", *rows])
    common = {field: part for field, part in base.model_fields.items() if field != "kind"}
    yield f"Whatever the kind of `{name}`:\n\n{_table(common, documented(base))}"
    for kind in kinds:
        fields = {field: part for field, part in kind.model_fields.items() if field not in base.model_fields}
        if fields:
            yield f"`{name}` of kind `{_kind(kind)}` has:\n\n{_table(fields, documented(kind))}"


def _choice(kinds: list[type[Plugin]], field: FieldInfo) -> Iterator[str]:
    """Yield what all kinds have, and what each has by itself."""
    base = _common(kinds)
    names = ", ".join(f"`{_kind(kind)}`" for kind in kinds)
    default = "required" if field.is_required() else f"default `{field.default.kind}`"
    yield f"`kind` ({default}) is one of {names}."
    common = {name: part for name, part in base.model_fields.items() if name != "kind"}
    if common:
        yield f"Whatever the kind:\n\n{_table(common, documented(base))}"
    for kind in kinds:
        yield from _plugin(kind, base, f"`kind: {_kind(kind)}`")


def _plugins(kinds: list[Any], is_off: bool) -> Iterator[str]:
    """Yield what each of the plug-ins of a table has; with `is_off`, what is not named is off."""
    base = _common(kinds)
    common = {name: part for name, part in base.model_fields.items() if name != "kind"}
    if common:
        yield f"Each has:\n\n{_table(common, documented(base))}"
    for kind in kinds:
        yield from _plugin(kind, base, f"`{_kind(kind)}`" + (" (off unless named)" if is_off else ""))


def _plugin(kind: type[Plugin], base: type[Plugin], title: str) -> Iterator[str]:
    yield f"### {title}"
    yield _text(_summary(kind))
    own = {name for cls in kind.__mro__[: kind.__mro__.index(base)] for name in inspect.get_annotations(cls)}
    fields = {name: part for name, part in kind.model_fields.items() if name in own - {"kind"}}
    yield _table(fields, documented(kind)) if fields else "No settings of its own."


def _common(kinds: list[Any]) -> Any:
    return next(cls for cls in kinds[0].__mro__ if all(issubclass(kind, cls) and kind is not cls for kind in kinds))


def _kind(plugin: Any) -> str:
    return str(plugin.model_fields["kind"].default)


def _table(fields: dict[str, FieldInfo], documents: dict[str, str]) -> str:
    lines = ["| Setting | Allowed | Default | Meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        meaning = _text(field.description or documents.get(name) or MISSING)
        beside = "" if not field.exclude else "; no part of any key"
        cells = [f"`{name}`", allowed(field.annotation, field.metadata), _default(field), meaning + beside]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def allowed(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """Return in words which values a field takes."""
    if get_origin(annotation) is Annotated:
        return allowed(annotation.__origin__, [*_flat(annotation.__metadata__), *metadata])
    members = _members(annotation)
    if len(members) > 1:
        return " or ".join("`null`" if member is NoneType else allowed(member, metadata) for member in members)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" if value != "\t" else "a tab" for value in inner)
    if _listed_kinds(annotation):
        return "mapping with a `kind`, or a list of such"
    if origin is tuple:
        length = "list" if Ellipsis in inner else f"list of {len(inner)}"
        return f"{length}: {allowed(inner[0])}" + _limits(metadata)
    if origin is dict:
        return f"mapping: {allowed(inner[0])} → {allowed(inner[1])}" if inner[1] is not Any else "mapping"
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return "mapping"
    return TYPES.get(annotation, "mapping") + _limits(metadata)


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    for mark in metadata:
        yield from mark.metadata if isinstance(mark, FieldInfo) else [mark]


def _limits(metadata: Iterable[Any]) -> str:
    said = []
    for mark in _flat(metadata):
        said += [text.format(value(getattr(mark, name))) for name, text in LIMITS.items() if hasattr(mark, name)]
        if getattr(mark, "pattern", None):
            said.append(f"like `{mark.pattern}`")
    return f" {', '.join(said)}" if said else ""


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _record(annotation: Any) -> Any:
    """Return the record that a field holds, None if it holds none."""
    found = [member for member in _members(annotation) if isinstance(member, type) and issubclass(member, Record)]
    return found[0] if found else None


def _default(field: FieldInfo) -> str:
    return "required" if field.is_required() else f"`{value(field.default)}`"


def value(of: Any) -> str:
    """Write a value as YAML's flow style has it."""
    if isinstance(of, Record):
        of = of.model_dump()
    if isinstance(of, dict):
        return "{" + ", ".join(f"{key}: {value(item)}" for key, item in of.items()) + "}"
    if isinstance(of, tuple | list):
        return "[" + ", ".join(map(value, of)) + "]"
    if of is None or isinstance(of, bool):
        return {None: "null", True: "true", False: "false"}[of]
    return f"{of:g}" if isinstance(of, float) else str(of) or '""'


def documented(cls: type) -> dict[str, str]:
    """Return what the docstrings of a class and of those it is made from say of each field."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, Record):
            found |= _listed(inspect.cleandoc(base.__doc__ or ""))
    return found


def _listed(document: str) -> dict[str, str]:
    """Return the entries ``name, name : type`` of the sections Parameters and Attributes."""
    entries: dict[str, str] = {}
    for part in SECTION.findall(document):
        for names, text in ENTRY.findall(part):
            entries |= dict.fromkeys(names.split(", "), " ".join(text.split()))
    return entries


def _summary(cls: type) -> str:
    """Return what a docstring says before its sections and notes: its first paragraph."""
    return " ".join(inspect.cleandoc(cls.__doc__ or MISSING).split("\n\n")[0].split())


def _text(words: str) -> str:
    """Return a docstring's words as Markdown of one cell: `null` for None, a capital first, no full stop."""
    words = re.sub(r"\bNone\b", "`null`", words.replace("``", "`").removesuffix("."))
    return words[:1].upper() + words[1:]


if __name__ == "__main__":
    written = {page: (page.read_text(encoding="utf-8"), rendered(page.read_text(encoding="utf-8"))) for page in PAGES}
    changed = [page for page, (before, now) in written.items() if before != now]
    if changed and "--check" in sys.argv:
        sys.exit(f"{', '.join(page.name for page in changed)}: run python docs/write_settings.py")
    for page in changed:
        page.write_text(written[page][1], encoding="utf-8")
