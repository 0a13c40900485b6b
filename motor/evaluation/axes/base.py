"""What an axis is: its name, the setting that it stands for, and how results, tables and sentences tell its values."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Literal

from motor.registry import Outside, Plugin, in_use, plugins

PACKAGE = "motor.evaluation.axes"
Concern = Literal["everything", "recordings", "windows", "forecasts", "networks", "training"]


class Axis(Plugin):
    """Something that cells differ in; ``axes: {NAME: [VALUE, ...]}`` puts it into a grid.

    The first paragraph of its docstring stands in the table of settings. A report calls it by the words that its
    catalogue has for its `kind`; `title`, `text` and `question` are what it falls back to.
    """

    ROOM: ClassVar[str] = PACKAGE

    order: ClassVar[int] = 75
    """Place in a cell's name and in its folder, smallest first."""

    setting: ClassVar[tuple[str, ...]] = ()
    """Keys of the setting that a value is put into, say ``("windows", "prediction_length")``."""

    required: ClassVar[bool] = False
    """Whether every grid has it; then it need be no setting."""

    values: ClassVar[Any] = str
    """The type of one value."""

    values_of: ClassVar[str] = ""
    """The room whose plug-ins' names are the values, in the place of a type."""

    concerns: ClassVar[Concern] = "everything"
    """Whom it means something for: a method without that has one cell for all values (see `Method.has`)."""

    folder: ClassVar[str] = ""
    """How a folder in the results tells a value, say ``"ctx{}"``; by default the name and the value."""

    title: ClassVar[str] = ""
    """Head of a column; by default the name."""

    text: ClassVar[str] = ""
    """How a sentence tells a value, say ``"context {}"``; by default the name and the value."""

    question: ClassVar[str] = ""
    """What the report answers by it; by default ``Which <name>?``."""

    cheaper: ClassVar[Literal["smaller"] | None] = None
    """Which values cost less, where they do."""

    plain: ClassVar[str | None] = None
    """The value that every other has to beat to pay."""

    def means_something(self, place: Mapping[str, Any], judge_gives: frozenset[str]) -> bool:
        """Tell whether it means something at a place of the grid; where not, its value is None there.

        Parameters
        ----------
        place : mapping
            A value of each axis.
        judge_gives : frozenset
            What the predictions of the place's judge have; see `motor.judges.base.Judge.gives`.
        """
        return True

    @property
    def name(self) -> str:
        """The name without its underscores."""
        return self.kind.replace("_", " ")

    def in_folder(self, value: Any) -> str:
        """Return how a folder in the results tells a value."""
        return (self.folder or f"{self.kind}-{{}}").format(value)

    def in_text(self, value: Any) -> str:
        """Return how a sentence tells a value."""
        return (self.text or f"{self.name} {{}}").format(value)


class Varied(Axis):
    """A setting by its path: ``axes.vary: {PATH: [VALUE, ...]}``.

    It means something for a cell whose stages read the setting; which these are, `motor.experiment.varied` says.
    """

    kind: str

    @property
    def setting(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self.kind.split("."))

    @property
    def name(self) -> str:
        return self.kind


def is_varied(name: str) -> bool:
    """Tell whether an axis is a setting by its path: only such names have a point."""
    return "." in name


def axes() -> dict[str, Axis]:
    """Return every axis that a grid can have, by name, in the order of a cell's name; `Varied` ones are not listed."""
    return _made(in_use())


@cache
def _made(outside: Outside) -> dict[str, Axis]:
    made: list[Any] = [plugin.model_validate({}) for plugin in plugins(PACKAGE).values()]
    return {axis.kind: axis for axis in sorted(made, key=lambda axis: (axis.order, axis.kind))}


def axis(name: str) -> Axis:
    """Return an axis by its name; one that is not known here (a plug-in's, read elsewhere) with words by its name."""
    return axes().get(name) or (Varied(kind=name) if is_varied(name) else Axis(kind=name))
