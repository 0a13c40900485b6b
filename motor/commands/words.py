"""Command-line options that several commands share: configs, overrides, the storage."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grid.store.opening import open_store
from grid.store.store import Store

if TYPE_CHECKING:
    from motor.commands.grid import Grid

ROOT = Path(__file__).parents[2]  # of the project
CONFIGS = ROOT / "configs"
STORAGE = "where results lie: a folder that every node sees, or s3://bucket/prefix (default: storage/)"
CONFIG = "a path, or the name of a file in configs/; then any setting, say finetune.num_steps=200"


def add_storage(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the storage, in which results lie."""
    parser.add_argument("--storage", default=str(ROOT / "storage"), help=STORAGE)


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: a config, its overrides, and the storage."""
    listed = ", ".join(_shipped())
    parser.add_argument("config", nargs="?", metavar="CONFIG", help=f"{CONFIG}; there are: {listed}")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    add_storage(parser)
    parser.set_defaults(parser=parser)


def add_grid(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: a config, its overrides, the storage, and the part of the grid that is meant."""
    add_config(parser)
    parser.add_argument("--only", nargs="+", action="extend", default=[], metavar="AXIS=VALUE[,VALUE]")
    parser.add_argument("--leaky", action="store_true", help="also split by series, to show what a leak would claim")
    parser.add_argument("--force", nargs="*", metavar="KIND", help="rebuild all, or some kinds and what hangs on them")
    failed = "run only what failed and what hangs on it; without it, all that is missing is run, what failed, too"
    parser.add_argument("--retry-failed", action="store_true", help=failed)
    parser.add_argument("--address", help="a Ray cluster (default: RAY_ADDRESS, else an embedded one)")


def add_configs(parser: argparse.ArgumentParser, at_least: str) -> None:
    """Add several configs, with overrides that hold for all; `at_least` is how many, as argparse has it."""
    parser.add_argument("words", nargs=at_least, metavar="CONFIG KEY=VALUE", help=CONFIG)
    add_storage(parser)


def configs_in(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Tell configs from overrides, which have a ``=``."""
    overrides = [word for word in words if "=" in word and not Path(word).exists()]
    return [config_path(word) for word in words if word not in overrides], overrides


def config_in(arguments: argparse.Namespace) -> Path:
    """Return the path of the one config; end with an error of the command line where there is none."""
    if arguments.config is None:
        arguments.parser.error(f"name a config: a path, or one of {', '.join(_shipped())}")
    return config_path(arguments.config)


def config_path(name: str) -> Path:
    """Return a config's path; a bare name that is not here is looked for in configs/."""
    here = Path(name)
    return here if here.exists() or here.parent != Path() else CONFIGS / name


def grid_in(arguments: argparse.Namespace, is_look: bool = False) -> "Grid":
    """Return the grid that is asked for, planned; for a look alone, its data may be elsewhere."""
    from motor.commands.grid import plan_grid  # every plug-in: not for a command that has to stand up at once

    force = frozenset() if arguments.force is None else frozenset(arguments.force or ["all"])
    return plan_grid(
        config_in(arguments),
        arguments.overrides,
        os.environ,
        store_in(arguments),
        only=arguments.only,
        leaky=arguments.leaky,
        force=force,
        retry_failed=arguments.retry_failed,
        is_look=is_look,
    )


def store_in(arguments: argparse.Namespace) -> Store:
    """Return the storage that is asked for."""
    return open_store(arguments.storage)


def _shipped() -> list[str]:
    return sorted(file.name for file in CONFIGS.glob("*"))
