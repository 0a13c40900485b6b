"""The grammar of the command line: ``launch.py [COMMAND] ...``; without a command it is `run`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from grid.config.check import ConfigError
from grid.screen.terminal import open_standard_streams
from grid.stage import InputError
from grid.store.store import StoreError
from motor.commands.exits import AT_FAULT, OK, SOME_FAILED

# Each is a module of that name, - as _, with `DESCRIPTION`, `add_options` and `command`.
COMMANDS = {
    "run": "build what a grid lacks and report on it (what is done where no command is named)",
    "rehearse": "measure a few steps of the real shapes, and say what a grid would cost",
    "dry-run": "print the plan of a grid and run nothing",
    "status": "say what stands, runs and failed, from storage alone",
    "check-data": "import a grid's data, say what is in it, train nothing",
    "data": "list the public data sets, or describe files and write a first config",
    "verify": "read the digests of what is stored, and set aside what is damaged",
    "compare": "join the reports of several stores and data sets into one page",
    "prune": "remove from a storage what no config in a list needs",
    "predict": "judge new recordings by a trained cell",
    "finalize": "train a grid's chosen recipe on every motor, and export it",
    "embed": "write what a cell's classifier sees as a table of vectors, which method given reads",
    "export": "write one folder that predicts without Ray",
    "serve": "answer over HTTP, by Ray Serve",
    "loop": "label, fine-tune, infer, review, again: iterations over a config",
    "labels": "export and import a loop's labels, and say how two sets differ",
    "review": "serve the page on which people decide; people, backup, trail",
}
ALIASES = {f"--{name}": name for name in ("dry-run", "status", "check-data", "verify", "prune")}


def main(argv: Sequence[str]) -> int:
    """Run a command line and return its exit status (see `motor.commands.exits`)."""
    open_standard_streams()
    if argv and argv[0] in ("-h", "--help"):
        print(_overview())
        return OK
    module, arguments = read(argv)
    try:
        return module.command(arguments)
    except (ConfigError, InputError, StoreError, ValueError) as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk, say
        print(error, file=sys.stderr)
        return SOME_FAILED


def read(argv: Sequence[str]) -> tuple[Any, argparse.Namespace]:
    """Return the module of the command that a line means, and what is asked of it."""
    name, words = command_of(argv)
    module: Any = import_module(f"motor.commands.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"launch.py {name}", description=module.__doc__)
    module.add_options(parser)
    return module, parser.parse_intermixed_args(words)


def command_of(argv: Sequence[str]) -> tuple[str, list[str]]:
    """Return the command that a line means, and its words; ``--status`` among them is the command ``status``."""
    if argv and argv[0] in COMMANDS:
        return argv[0], list(argv[1:])
    named = dict.fromkeys(ALIASES[word] for word in argv if word in ALIASES)
    if len(named) > 1:
        print(f"launch.py: {' and '.join(f'--{name}' for name in named)} do not go together", file=sys.stderr)
        raise SystemExit(AT_FAULT)
    return next(iter(named), "run"), [word for word in argv if word not in ALIASES]


def _overview() -> str:
    listed = "\n".join(f"  {name:<12}{text}" for name, text in COMMANDS.items())
    return f"usage: launch.py [COMMAND] ...\n\ncommands (each has --help):\n{listed}\n"
