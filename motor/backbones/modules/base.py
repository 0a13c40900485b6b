"""What modules have in common: settings of a network that stands beside a forecaster's."""

from abc import ABC
from collections.abc import Iterator
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, Field, create_model

from motor.registry import Plugin, Record, plugins, table

if TYPE_CHECKING:
    from motor.backbones.modules.attached.part import Part, Site

ROOM = "motor.backbones.modules"
NONE, JOIN = "none", "+"


class Asked(NamedTuple):
    """What is known of a forecaster before it is built."""

    n_tokens: int | None  # of a context; None where it shows none, or it is not known
    context_length: int
    prediction_length: int


class Module(Plugin, ABC):
    """Settings of a module: a network that changes a forecaster's tokens or its forecast, by 0 before it is trained."""

    ROOM: ClassVar[str] = ROOM

    order: ClassVar[int] = 50
    """Where it acts among others: the smallest first."""

    LOOKS_UP: ClassVar[bool] = False
    """Whether it needs a memory of training series; its settings then have `top_k`, `key_length` and `stride`."""

    PART: ClassVar[str]
    """Where its network is, which is made of these settings and a site: ``package.file:Class``."""

    def part(self, site: "Site") -> "Part":
        """Return its network; torch's generator is seeded.

        One that is made by a `part` of its own imports torch inside, so that reading a config stays quick.
        """
        return resolve_name(self.PART)(self, site)

    def incompatibilities(self, asked: Asked) -> Iterator[tuple[str, str]]:
        """Yield what cannot work, as far as it is known before anything is built: its own setting, and why."""
        yield from ()


def named(use: str) -> tuple[str, ...]:
    """Return the names in, say, ``tapr+gram``, in the order in which the modules act.

    Raises
    ------
    ValueError
        If one is no module, or stands there twice.
    """
    if use == NONE:
        return ()
    names, kinds = use.split(JOIN), plugins(ROOM)
    for name in names:
        if name not in kinds:
            raise ValueError(
                f"unknown module {name!r}; there are: {NONE}, or any of {', '.join(kinds)} joined by {JOIN}"
            )
        if names.count(name) > 1:
            raise ValueError(f"module {name!r} is named {names.count(name)} times in {use!r}; name it once")
    return tuple(sorted(names, key=lambda name: (kinds[name].order, name)))  # type: ignore[attr-defined]


def in_order(use: str) -> str:
    """Return the same modules in the order in which they act, as results name them (see `named`)."""
    return JOIN.join(named(use)) or NONE


class Chosen(Record):
    """Networks beside a forecaster that is trained by steps, and which of them stand there."""

    use: Annotated[str, AfterValidator(in_order)] = Field(
        default=NONE, description="``none``, or names of modules joined by ``+``, say ``tapr+gram``"
    )

    @property
    def chosen(self) -> tuple[Any, ...]:
        """The settings of the modules that are used, in the order in which they act."""
        return tuple(getattr(self, name) for name in named(self.use))


def module_settings() -> Any:
    """Return the section ``modules`` of a config, with the modules that are in use (see `motor.registry.using`)."""
    kinds = {
        name: (field.annotation, Field(default=field.default, description=f"settings of ``{name}``"))
        for name, field in table(ROOM).model_fields.items()
    }
    return create_model("Modules", __base__=Chosen, __doc__=Chosen.__doc__, **kinds)  # type: ignore[call-overload]
