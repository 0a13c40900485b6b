"""Find a loop, and the review of its recordings: without a config's plug-ins, so that a page stands up at once."""

from grid.config.reading import read_document
from grid.store.store import Store
from motor.experiment.looping import Looping
from motor.looping.loop import SERVED, Loop, LoopError, loops, open_loop
from motor.review.review import Review
from motor.review.signals import Signals


def find_loop(store: Store, name: str | None) -> Loop:
    """Return a loop of a storage: the only one, where none is named."""
    there = loops(store.root)
    if name is None and len(there) != 1:
        listed = f"there are: {', '.join(there)}; name one" if there else "there is none; begin one: launch.py loop new"
        raise LoopError(f"which loop of {store.where} is meant? {listed}")
    return open_loop(store.root, name or there[0])


def settings_of(loop: Loop) -> Looping:
    """Return the settings of a loop, which `loop new` has checked."""
    return Looping.model_construct(**read_document(loop.config).data.get("loop", {}))


def review_of(loop: Loop) -> Review:
    """Return the review of a loop's recordings."""
    settings = settings_of(loop)
    signals, facts = Signals(loop.tables(), loop.folder / SERVED), loop.facts
    known = dict if settings.known == "test" else lambda: signals.labels
    return Review(loop.name, loop.database, signals, facts.classes, settings.guidelines, facts.test_reviewers, known)
