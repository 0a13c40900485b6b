"""List the public data sets, or look into files that were never seen and write a first config for them."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from motor.commands.exits import OK
from motor.experiment.first_config import QUESTION, write_first_config
from motor.experiment.public_sets import names, public_set
from motor.recordings.describing import Group, Look, look_into
from motor.recordings.listing import Listing

SHOWN = 40


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the list of public sets, or a folder or file to look into."""
    parser.add_argument("action", choices=("list", "describe"))
    parser.add_argument("path", nargs="?", metavar="PATH", help="of a folder or file, for describe")
    parser.add_argument("--write", metavar="CONFIG", help="write a first config there")
    parser.set_defaults(parser=parser)


def command(arguments: argparse.Namespace) -> int:
    """Print the sets, or what was found."""
    if arguments.action == "list":
        print("\n".join(listed()))
        return OK
    if arguments.path is None:
        arguments.parser.error("describe needs a PATH: a folder or a file")
    look = look_into(Path(arguments.path))
    print("\n".join(described(look)))
    if arguments.write:
        write_first_config(look, Path(arguments.write))
        print(f"\n{arguments.write} is written; fill in {QUESTION}, then: launch.py check-data {arguments.write}")
    return OK


def listed() -> Iterator[str]:
    """Yield a line for each public set and what it needs."""
    for name in names():
        about = public_set(name).about
        yield f"{name:<14} {about['title']}\n{'':<14} {about['where']} ({about['licence']})"
    yield "\nuse one by dataset: {use: NAME, path: where you unpacked it}; docs/public-data.md says more of each"


def described(look: Look) -> Iterator[str]:
    """Yield what lies in a folder or file."""
    for group in look.groups:
        yield from _group(group)
    if look.listing:
        yield from _listing(look.listing)
    if look.passed_over:
        yield f"not looked into: {look.passed_over}"


def _listing(listing: Listing) -> Iterator[str]:
    columns = ", ".join(f"{field} in column {name}" for field, name in listing.columns.items())
    yield f"{listing.table.name} lists files, {listing.n_rows} rows: {columns}"
    yield from (f"  {field}: {', '.join(names)}" for field, names in listing.values.items() if names)


def _group(group: Group) -> Iterator[str]:
    kind = "text of numbers, files of any name" if group.is_text else group.suffix
    yield f"{group.n_files} files, {kind}: {', '.join(group.names[:3])}{', ...' if group.n_files > 3 else ''}"
    for one in group.variables[:SHOWN]:
        rate = f", {one.sampling_rate_hz:g} Hz" if one.sampling_rate_hz and not group.is_table else ""
        shape = f" {one.shape}" if one.shape else ""
        yield f"  {one.name or '(the array)'}{shape} {one.kind}{rate}"
    signals = [one.name or "the array" for one in group.signals()]
    yield f"  may be signals: {', '.join(signals[:SHOWN]) or 'none'}"
    rate_hz = group.rate_hz()
    where = "by the first column, which looks like a time" if group.is_table else "in the files"
    yield f"  sampling rate: {f'{rate_hz:g} Hz, {where}' if rate_hz else 'not in the files, or in a variable'}"
    if group.skip_rows is not None:
        yield f"  above the numbers: {group.skip_rows} lines of titles (skip_rows)"
    yield from (f"  cannot be read: {fault}" for fault in group.faults)
