"""Serve the page on which people decide; add people; save and restore the decisions; verify their trail.

review [LOOP]; review user LOOP add|close|list [NAME]; review backup|restore LOOP FILE; review verify LOOP.
"""

import argparse
from pathlib import Path

from motor.commands.exits import OK, SOME_FAILED
from motor.commands.finding import find_loop, review_of
from motor.commands.words import add_storage, store_in
from motor.looping.label_sets import anchors
from motor.looping.loop import Loop
from motor.review.database import people
from motor.review.database.backup import back_up, restore
from motor.review.database.chain import verify
from motor.review.server.signing_in import Door

OPERATOR = "operator of this machine"  # in the trail
KINDS = ("user", "backup", "restore", "verify")
USER = ("add", "close", "list")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: which loop's page is served at which address, or what is done with people or decisions."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="the loop, after user, backup, restore or verify")
    parser.add_argument("--role", choices=sorted(people.ROLES), help="user add")
    parser.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1: this machine alone")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument(
        "--allow-host", nargs="+", action="extend", default=[], metavar="HOST",
        help="other names that the page is asked for by (of this machine's own, all hold where --host is 0.0.0.0)",
    )  # fmt: skip
    parser.add_argument("--user-header", metavar="HEADER", help="in which a proxy on this machine names who signed in")
    add_storage(parser)
    parser.set_defaults(parser=parser)


def command(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, or do one thing with people or decisions."""
    store, words = store_in(arguments), list(arguments.words)
    kind = words.pop(0) if words and words[0] in KINDS else "serve"
    if kind == "serve":
        from motor.review.server.serving import serve  # FastAPI, which the other commands do without

        loop = find_loop(store, words[0] if words else None)
        door = Door(loop.database, arguments.host, tuple(arguments.allow_host), arguments.user_header)
        print(f"http://{arguments.host}:{arguments.port}/ (Ctrl-C ends it; decisions are on disk)", flush=True)
        serve(review_of(loop), door, arguments.port)
        return OK
    loop = find_loop(store, words.pop(0) if words else None)
    if kind == "user":
        return _user(arguments, loop, words)
    if kind == "verify":
        return _verify(loop)
    if len(words) != 1:
        arguments.parser.error(f"review {kind} needs LOOP FILE")
    count = (back_up if kind == "backup" else restore)(loop.database, Path(words[0]))
    print(f"{count} rows: {words[0]}")
    return OK


def _user(arguments: argparse.Namespace, loop: Loop, words: list[str]) -> int:
    verb, names = (words[0], words[1:]) if words else ("list", [])
    if verb not in USER or (verb != "list" and len(names) != 1) or (verb == "add" and arguments.role is None):
        arguments.parser.error("review user LOOP list | add NAME --role ROLE | close NAME")
    if verb == "add":
        token = people.add_person(loop.database, names[0], arguments.role, OPERATOR)
        print(f"The token of {names[0]}, which stands nowhere else:\n{token}")
    elif verb == "close":
        people.close_person(loop.database, names[0], OPERATOR)
    for one in people.people(loop.database) if verb == "list" else ():
        print(f"{one['name']}: {one['role']}{', closed' if one['closed_at'] else ''}")
    return OK


def _verify(loop: Loop) -> int:
    faults = verify(loop.database, anchors(loop))
    print("\n".join(faults) or "The trail is as it was written.")
    return SOME_FAILED if faults else OK
