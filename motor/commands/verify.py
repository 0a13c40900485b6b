"""Read the digests of all that is stored, or of some configs' stages, and set aside what is damaged."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from grid.keeping.verify import GB, Verified, report
from grid.keeping.verify import verify as verify_store
from grid.store.store import Store
from motor.commands.exits import INTERRUPTED, OK, SOME_FAILED
from motor.commands.needed import needed_by
from motor.commands.words import add_configs, configs_in, store_in


def verify(
    configs: Sequence[Path],
    overrides: Sequence[str],
    environ: Mapping[str, str],
    store: Store,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Verified:
    """Compare what is stored with the digests that were kept; what is damaged is set aside.

    Parameters
    ----------
    configs : sequence of Path
        Look at their stages alone; without any at all that is stored.
    overrides : sequence of str
        ``KEY=VALUE`` words, which hold for all of them.
    environ : mapping
        What ``${NAME}`` stands for.
    store : Store
    tell : callable, optional
        Called now and then with the bytes that were read, and those that there are to read.
    """
    keys = needed_by(configs, overrides, environ, store).keys if configs else None
    return verify_store(store, keys, tell)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the storage, or the configs whose stages are checked."""
    add_configs(parser, "*")


def command(arguments: argparse.Namespace) -> int:
    """Print what was found."""
    configs, overrides = configs_in(arguments.words)
    store, is_watched = store_in(arguments), sys.stderr.isatty()

    def tell(done: int, total: int) -> None:
        if is_watched:
            print(f"\r{done / GB:.2f} of {total / GB:.2f} GB read", end="", file=sys.stderr, flush=True)

    try:
        found = verify(configs, overrides, os.environ, store, tell)
    except KeyboardInterrupt:
        print("\nInterrupted; each stage is whole or gone.", file=sys.stderr)
        return INTERRUPTED
    if is_watched:
        print("\r\x1b[K", end="", file=sys.stderr)
    print("\n".join(report(found, store.where)))
    return SOME_FAILED if found.damaged else OK
