"""Label, fine-tune, infer, review, again: begin a loop over a config, and go on with it.

new CONFIG [KEY=VALUE ...] --name NAME; then, of a loop: deliver, status, due, queue, seal, train, infer, compare,
promote, close, run, report. Where a storage has one loop, it need not be named.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from grid.store.store import write_text
from motor.commands.exits import OK, SOME_FAILED
from motor.commands.looping import Opened, deliver, new_loop, opened
from motor.commands.words import add_storage, config_path, store_in
from motor.looping import iterations, label_sets
from motor.looping.inference import meta_of
from motor.looping.loop import CHAMPION
from motor.looping.manager import IterationManager
from motor.looping.models import Figures, Model
from motor.looping.reporting import as_markdown
from motor.looping.reviewing import answer_by
from motor.looping.served import seen
from motor.recordings.splits.base import Side
from motor.review.database.queues import progress

REPORT = "report.md"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: what to do, and with which loop."""
    parser.add_argument("action", choices=["new", *ACTIONS])
    parser.add_argument("words", nargs="*", metavar="NAME", help="the loop; of new: CONFIG [KEY=VALUE ...]")
    parser.add_argument("--name", help="of a new loop")
    parser.add_argument("--database", help="of a new loop: postgresql://user@host/name (default: SQLite beside it)")
    parser.add_argument("--as", dest="alias", default=CHAMPION, metavar="ALIAS", help="promote: the name to give")
    parser.add_argument("--iteration", type=int, help="promote: whose model (default: the newest)")
    parser.add_argument("--path", type=Path, help="deliver: recordings that came later, in a folder of their own")
    parser.add_argument("--more", type=int, default=0, metavar="N", help="queue: ask for N recordings more")
    parser.add_argument("--test", type=int, default=0, metavar="N", help="queue: ask for N test recordings more")
    parser.add_argument("--iterations", type=int, default=1, help="run: how many more")
    parser.add_argument("--when-due", action="store_true", help="run: only where a trigger is reached (loop.triggers)")
    parser.add_argument("--address", help="a Ray cluster (default: RAY_ADDRESS, else an embedded one)")
    add_storage(parser)
    parser.set_defaults(parser=parser)


def command(arguments: argparse.Namespace) -> int:
    """Do one thing with a loop, and print what came of it."""
    store = store_in(arguments)
    if arguments.action == "new":
        if not arguments.words or not arguments.name:
            arguments.parser.error("loop new needs a config and --name NAME")
        config = config_path(arguments.words[0])
        loop = new_loop(config, arguments.words[1:], store, arguments.name, arguments.database)
        counts = Counter(loop.facts.sides.values())
        dealt = ", ".join(f"{counts[side]} {side}" for side in get_args(Side))
        print(f"Loop {loop.name}: {len(meta_of(loop))} recordings; its motors' sides for ever: {dealt}.")
        print(f"Next: python launch.py loop queue {loop.name}, then python launch.py review {loop.name}")
        return OK
    found = opened(store, arguments.words[0] if arguments.words else None, arguments.address)
    return ACTIONS[arguments.action](found, arguments)


def run_loop(found: Opened, count: int, say: Callable[[str], None] = print, when_due: bool = False) -> str | None:
    """Do iterations until people are needed, the loop is complete, or `count` of them are closed; return why it ended.

    Parameters
    ----------
    found : Opened
    count : int
    say : callable
        Is given a line for each step.
    when_due : bool
        Whether labels are sealed once a trigger is reached, and only then, though some are not decided on yet.
    """
    manager, settings = found.manager, found.experiment.base.loop
    for _ in range(count):
        if when_due and not (reached := manager.due()):
            return "not due"
        if when_due:
            say(f"due: {_reached(reached)}")
        newest = next(iter(iterations.iterations(found.loop.database)[-1:]), None)
        if newest is None or newest.closed_at is not None or newest.label_set is None:
            newest = manager.create_iteration()
        if newest.label_set is None and settings.reviewer == "truth":
            say(f"iteration {newest.number}: {_answer(found)} decided by the data's labels")
        n_asked, n_open = iterations.asked_in(found.loop.database, newest.number)
        if newest.label_set is None and n_open and not when_due:
            say(
                f"iteration {newest.number}: {n_open} of {n_asked} to decide: python launch.py review {found.loop.name}"
            )
            return "people"
        say(f"iteration {newest.number}: label set {manager.prepare_training_data()}")
        if not manager.start_training():
            return "failed"
        say(f"iteration {newest.number}: {_line(manager.run_inference())}")
        _promote_better(manager)
        if (why := manager.close()) is not None:
            say(f"complete: {why}")
            return why
    return None


def _answer(found: Opened) -> int:
    """Have the script decide on what is asked, and on more where that does not suffice; return on how much."""
    count = answer_by(found.loop)
    while (fault := found.manager.lacking()) is not None:
        found.manager.create_iteration(more=found.experiment.base.loop.batch)
        if not (more := answer_by(found.loop)):
            raise fault
        count += more
    return count


def _promote_better(manager: IterationManager) -> None:
    """Make the newest model champion where held-out motors, the same for both, do not say that it is worse."""
    held = iterations.aliases(manager.loop.database).get(CHAMPION)
    scores = manager.alike_scores([held["iteration"], manager.asked()[-1]]) if held else None
    if scores is None or scores[1] >= scores[0]:
        manager.promote()


def _line(model: Model) -> str:
    return f"{model.name} ({model.key}), held out: {_figures(model.held_out)}"


def _figures(found: Figures | None) -> str:
    if found is None:
        return "no motor of it"
    interval = "" if found.interval is None else f" [{found.interval[0]:.2f}, {found.interval[1]:.2f}]"
    return f"macro-F1 {found.macro_f1:.3f}{interval} on {found.n_motors} motors"


def _status(found: Opened, _: argparse.Namespace) -> int:
    manager = found.manager
    for one in iterations.iterations(found.loop.database):
        standing = manager.standing(one)
        labels = "" if one.label_set is None else f", label set {one.label_set}"
        model = manager.model(one.number)
        print(f"iteration {one.number}: {standing.state}{labels}, {standing.n_open} of {standing.n_asked} open", end="")
        print("" if model is None else f"; {_line(model)}")
    for queue, count in progress(found.loop.database, reviewers=found.loop.facts.test_reviewers).items():
        print(f"queue {queue}: {count['open']} of {count['asked']} open")
    for name, alias in iterations.aliases(found.loop.database).items():
        print(f"{found.loop.name}@{name}: {alias['cell']} (iteration {alias['iteration']})")
    for pair in seen(found.loop):
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in pair.counts.items() if count)
        right = (
            f"{pair.decided} decided: the served right in {pair.champion_right}, the shadow in {pair.challenger_right}"
        )
        print(f"served {pair.champion}, in its shadow {pair.challenger}: {counts or 'nothing yet'}; {right}")
    return OK


def _deliver(found: Opened, arguments: argparse.Namespace) -> int:
    if arguments.path is None:
        arguments.parser.error("loop deliver needs --path PATH: where the recordings are")
    count = deliver(found, arguments.path, store_in(arguments))
    print(f"{count} new recordings; the next iteration knows them: python launch.py loop queue {found.loop.name}")
    return OK


def _due(found: Opened, _: argparse.Namespace) -> int:
    print(_reached(found.manager.due()) or "nothing is due")
    return OK


def _reached(triggers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in triggers.items())


def _queue(found: Opened, arguments: argparse.Namespace) -> int:
    made = found.manager.create_iteration(arguments.more, arguments.test)
    n_asked, n_open = iterations.asked_in(found.loop.database, made.number)
    print(f"iteration {made.number}: {n_open} of {n_asked} to decide: python launch.py review {found.loop.name}")
    return OK


def _seal(found: Opened, _: argparse.Namespace) -> int:
    digest = found.manager.prepare_training_data()
    summary = label_sets.about(found.loop, digest)
    print(f"label set {digest}: {summary['labels']}; {summary['changes']}; {found.loop.label_set(digest)}")
    return OK


def _train(found: Opened, _: argparse.Namespace) -> int:
    return OK if found.manager.start_training() else SOME_FAILED


def _infer(found: Opened, _: argparse.Namespace) -> int:
    print(_line(found.manager.run_inference()))
    return OK


def _compare(found: Opened, _: argparse.Namespace) -> int:
    models = {number: found.manager.model(number) for number in _numbers(found)}
    print(as_markdown(found.manager.get_iteration_metrics(), models, language=_language(found)))
    return OK


def _promote(found: Opened, arguments: argparse.Namespace) -> int:
    model = found.manager.promote(arguments.alias, arguments.iteration)
    print(f"{found.loop.name}@{arguments.alias}: {_line(model)}")
    return OK


def _close(found: Opened, _: argparse.Namespace) -> int:
    print(found.manager.close() or "the loop goes on: python launch.py loop queue")
    return OK


def _run(found: Opened, arguments: argparse.Namespace) -> int:
    why = run_loop(found, arguments.iterations, when_due=arguments.when_due)
    return SOME_FAILED if why == "failed" else OK


def _report(found: Opened, _: argparse.Namespace) -> int:
    manager = found.manager
    estimates = {number: manager.estimated_quality(number) for number in _numbers(found)}
    models = {number: manager.model(number) for number in _numbers(found)}
    text = as_markdown(manager.get_iteration_metrics(), models, estimates, manager.shadow(), _language(found))
    write_text(found.loop.folder / REPORT, text)
    print(text)
    print(f"The same in {found.loop.folder / REPORT}")
    return OK


def _language(found: Opened) -> str:
    return str(found.experiment.base.report.language)


def _numbers(found: Opened) -> Sequence[int]:
    return [one.number for one in iterations.iterations(found.loop.database)]


ACTIONS: dict[str, Callable[[Opened, Any], int]] = {
    "deliver": _deliver,
    "status": _status,
    "due": _due,
    "queue": _queue,
    "seal": _seal,
    "train": _train,
    "infer": _infer,
    "compare": _compare,
    "promote": _promote,
    "close": _close,
    "run": _run,
    "report": _report,
}
