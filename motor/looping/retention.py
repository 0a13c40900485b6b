"""Choose what is kept of a loop's past: labels, metrics and all that is light; whole weights of the newest alone."""

from pathlib import Path

import yaml

from grid.stage import Stage
from motor.experiment.looping import Looping
from motor.looping.iterations import aliases, iterations
from motor.looping.loop import loops, open_loop
from motor.stages.finetune import Finetune


def configs(storage: Path) -> tuple[list[Path], list[Path]]:
    """Return the configs of all iterations of a storage's loops: those that keep whole weights, and older ones.

    Whole weights are kept of the newest `loop.keep_weights` iterations and of every alias's.
    """
    whole, older = list[Path](), list[Path]()
    for name in loops(storage):
        loop = open_loop(storage, name)
        try:
            numbers = [one.number for one in iterations(loop.database)]
            named = {alias["iteration"] for alias in aliases(loop.database).values()}
        finally:
            loop.database.close()
        config = yaml.safe_load(loop.config.read_text(encoding="utf-8"))
        settings = Looping.model_validate(config.get("loop") or {})
        for number in numbers:
            if loop.config_of(number).is_file():
                keeps = number in named or number in numbers[-settings.keep_weights :]
                (whole if keeps else older).append(loop.config_of(number))
    return whole, older


def tables(storage: Path) -> frozenset[str]:
    """Return the keys of the recordings that loops ask about, whether an iteration knows them yet or not."""
    found = set[str]()
    for name in loops(storage):
        loop = open_loop(storage, name)
        loop.database.close()
        found |= {table.name.rpartition("-")[2] for table in loop.tables()}
    return frozenset(found)


def is_light(stage: Stage) -> bool:
    """Tell whether a stage neither is a forecaster's weights nor is made from them.

    What is not light is built again by the iteration's config, to the same bits: a stage is all that decides it.
    """
    return not any(isinstance(made, Finetune) for made in stage.walk())
