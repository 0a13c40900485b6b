"""Labels of a loop: export what holds now, import decisions, and say how two label sets differ.

export [LOOP] --to FILE.csv|.jsonl|.json (.json: tasks of Label Studio); import [LOOP] FILE; diff SET SET [LOOP].
"""

import argparse
from pathlib import Path

from motor.commands.exits import OK
from motor.commands.finding import find_loop
from motor.commands.words import add_storage, store_in
from motor.looping import exchange, label_sets


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: what to do with which loop's labels."""
    parser.add_argument("action", choices=["export", "import", "diff"])
    parser.add_argument("words", nargs="*", metavar="WORD", help="files, label sets, then the loop")
    parser.add_argument("--loop", metavar="NAME", help="the loop (default: the only one)")
    parser.add_argument("--to", type=Path, help="export: the file to write; its suffix says the form")
    parser.add_argument("--reviewer", default="import", help="import: whose decisions they are")
    add_storage(parser)
    parser.set_defaults(parser=parser)


def command(arguments: argparse.Namespace) -> int:
    """Print what was exported, imported, or differs."""
    loop, words = find_loop(store_in(arguments), arguments.loop), arguments.words
    if arguments.action == "export":
        if arguments.to is None:
            arguments.parser.error("export needs --to FILE")
        print(f"{exchange.export(loop, arguments.to)} recordings in {arguments.to}")
        if arguments.to.suffix == ".json":
            print(f"Label Studio's labelling configuration: {exchange.labelling_config(loop.facts.classes)}")
    elif arguments.action == "import":
        if len(words) != 1:
            arguments.parser.error("import needs one FILE")
        taken, passed_over = exchange.take(loop, Path(words[0]), arguments.reviewer)
        print(f"{taken} decided, {passed_over} held that label already")
    else:
        if len(words) != 2:
            arguments.parser.error("diff needs two label sets; launch.py loop status lists them")
        before, after = (label_sets.read_set(loop.label_set(word)) for word in words)
        for item in sorted(before.keys() | after.keys()):
            if before.get(item) != after.get(item):
                print(f"{item}: {before.get(item) or '-'} -> {after.get(item) or '-'}")
        print(label_sets.difference(before, after))
    return OK
