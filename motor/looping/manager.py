"""The iterations of a loop: ask, seal, train, infer, compare, promote, complete; after any kill, nothing twice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sqlalchemy import select

from grid.plan.plan import Cell
from grid.store.store import Store, name_of, write_text
from motor.asking.random import Random
from motor.experiment.looping import Looping
from motor.looping import iterations, label_sets, models, quality, shadow, triggers
from motor.looping.inference import Judge, infer, labels_of_data, meta_of, read_inferred
from motor.looping.iterations import Iteration, Standing
from motor.looping.loop import CHALLENGER, CHAMPION, Loop, LoopError
from motor.looping.questions import Candidates, questions, suspected
from motor.looping.sure import sure
from motor.looping.training_data import write_config
from motor.review.database.queues import LABELS, SURE, SUSPECTED, TEST, Question, ask
from motor.review.database.schema import ASKED, ITEM

if TYPE_CHECKING:
    import pandas as pd


class Grid(Protocol):
    """The planned grid of an iteration."""

    @property
    def cells(self) -> list[Cell]:
        """Its cells."""


@dataclass(frozen=True)
class Tools:
    """The functions by which a loop builds grids and asks models; commands and tests give their own.

    Attributes
    ----------
    plan : callable
        Plans the grid of a config.
    build : callable
        Builds what a planned grid lacks; returns whether all its cells stand.
    judge : callable
        From the key of a cell to what judges recordings with it.
    """

    plan: Callable[[Path], Grid]
    build: Callable[[Any], bool]
    judge: Callable[[str], Judge]


@dataclass(frozen=True)
class IterationManager:
    """Manages the iterations of a loop.

    Attributes
    ----------
    loop : Loop
    store : Store
    settings : Looping
    seed : int
    tools : Tools
    actor : str
        Who does it, in the trail.
    """

    loop: Loop
    store: Store
    settings: Looping
    seed: int
    tools: Tools
    actor: str = "loop"

    def create_iteration(self, more: int = 0, more_test: int = 0) -> Iteration:
        """Return the newest iteration if its labels are not sealed, else a new one that has asked for recordings.

        Parameters
        ----------
        more, more_test : int
            How many recordings to ask for beside, of training and validation motors and of test motors.

        Raises
        ------
        LoopError
            If there is nothing left to ask for.
        """
        newest = next(iter(iterations.iterations(self.loop.database)[-1:]), None)
        is_new = newest is None or newest.label_set is not None or newest.closed_at is not None
        number = 1 + (newest.number if newest else 0) if is_new or newest is None else newest.number
        is_empty = is_new or iterations.asked_in(self.loop.database, number)[0] == 0
        asked = (
            questions(self._candidates(number), self.settings, None if is_empty else more) if is_empty or more else []
        )
        if is_new and not asked:
            raise LoopError(
                f"every training and validation recording of {self.loop.name} is decided on: there is nothing to ask"
            )
        made = iterations.open_iteration(self.loop.database, self.actor)
        ask(self.loop.database, LABELS, made.number, asked, self.actor)
        first_test = 0 if number > 1 or self._has_asked(TEST, 1) else self.settings.first_test
        of_test = self._test_questions(more_test + first_test, number)
        ask(self.loop.database, TEST, made.number, of_test, self.actor)
        return made

    def _test_questions(self, count: int, number: int) -> list[Question]:
        """Return test recordings at random, of those that have no label and were not asked for yet."""
        with self.loop.database.reading() as connection:
            asked = set(connection.scalars(select(ASKED.c.item_id).where(ASKED.c.queue == TEST)))
            rows = connection.execute(select(ITEM.c.id, ITEM.c.name).where(ITEM.c.side == "test").order_by(ITEM.c.id))
            items = [name for item_id, name in rows if item_id not in asked]
        data = self._labels_of_data()
        left = [item for item in items if data.get(item) is None]
        places = np.random.default_rng((self.seed, number, len(asked))).permutation(len(left))[:count]
        return [Question(left[place], Random().kind, count / len(left), is_blind=True) for place in places]

    def prepare_training_data(self) -> str:
        """Seal what was decided as the label set of the newest iteration, write its config, and return its digest.

        What nobody has decided on stays in the queue, and counts for the next set.

        Raises
        ------
        LoopError
            If there is no iteration, or a class without any label.
        """
        newest = iterations.newest(self.loop.database)
        if newest.label_set is None:
            before = [one.label_set for one in iterations.iterations(self.loop.database) if one.label_set]
            data, parent = self._labels_of_data(), before[-1] if before else None
            digest = label_sets.seal(self.loop, data, parent, self.actor, self.seed)
            write_config(self.loop, newest.number, digest)
            iterations.note_sealed(self.loop.database, newest.number, digest, self.actor)
            return digest
        if not self.loop.config_of(newest.number).is_file():  # it knows the deliveries that there were then
            write_config(self.loop, newest.number, newest.label_set)
        return newest.label_set

    def lacking(self) -> LoopError | None:
        """Return why what is labelled now does not suffice to train and to score; None where it does."""
        try:
            label_sets.check_labels(self.loop, self._labels_now(), self.seed)
        except LoopError as error:
            return error
        return None

    def start_training(self) -> bool:
        """Build what the newest iteration's grid lacks; return whether all of it stands."""
        return self.tools.build(self._grid(self._sealed().number))

    def run_inference(self) -> models.Model:
        """Choose the newest iteration's model on held-out motors, ask it about every recording, call it challenger."""
        number = self._sealed().number
        if (known := self.model(number)) is not None:
            return known
        facts = self.loop.facts
        cells, fair = self._grid(number).cells, self._fair()
        model, held_out = models.choose(cells, self.store, facts.classes, facts.normal, fair)
        write_text(self.loop.held_out(number), held_out[held_out["item"].isin(fair)].to_csv(index=False))
        if not self._has_asked(SUSPECTED, number):
            doubted = suspected(held_out, self._open_to(SUSPECTED), self.settings.suspected)
            ask(self.loop.database, SUSPECTED, number, doubted, self.actor)
        infer(self.loop, number, self.tools.judge(model.key))
        candidates = replace(self._candidates(number), inferred=read_inferred(self.loop, number))
        ask(self.loop.database, SURE, number, sure(candidates, self.settings), self.actor, instead=True)
        iterations.set_alias(self.loop.database, CHALLENGER, model.key, number, self.actor)
        write_text(self._model_file(number), models.as_json(model))  # last: who has it has been asked
        return model

    def promote(self, name: str = CHAMPION, number: int | None = None) -> models.Model:
        """Give the model of an iteration (the newest that was asked) a name that `predict` and `export` take.

        Raises
        ------
        LoopError
            If it has no model yet.
        """
        asked = [number] if number is not None else self.asked()[-1:]
        model = self.model(asked[0]) if asked else None
        if model is None:
            raise LoopError("there is no model to promote yet: launch.py loop train, then loop infer")
        iterations.set_alias(self.loop.database, name, model.key, asked[0], self.actor)
        return model

    def get_iteration_metrics(self) -> models.Compared:
        """Score all iterations on the test motors as labelled now, and count that somebody looked at those."""
        return models.compare(self.loop, self.asked(), iterations.note_look(self.loop.database, self.actor))

    def close(self) -> str | None:
        """Close the newest iteration, and return why the loop is complete; None where it goes on."""
        newest = self._sealed()
        if self.model(newest.number) is None:
            raise LoopError(f"iteration {newest.number} has no model to judge yet: launch.py loop train, loop infer")
        model, scores = self.model(newest.number), self.alike_scores(self.asked())
        why = models.verdict(model.held_out if model else None, scores, self.settings.goal, self.settings.goal_recall)
        iterations.close(self.loop.database, newest.number, why or "goes on", self.actor)
        return why

    def alike_scores(self, numbers: Sequence[int]) -> list[float] | None:
        """Return the macro-F1 of iterations on the held-out items that all of them have; None where there is none."""
        tables = [models.read_predictions(self.loop.held_out(number)) for number in numbers]
        return models.alike_scores(tables, self.loop.facts.classes, self.loop.facts.normal)

    def _open_to(self, queue: str) -> set[str]:
        """Return the items that a queue may ask for now: not of test motors, and not asked for in it before."""
        with self.loop.database.reading() as connection:
            before = select(ASKED.c.item_id).where(ASKED.c.queue == queue)
            return set(connection.scalars(select(ITEM.c.name).where(ITEM.c.side != "test", ITEM.c.id.not_in(before))))

    def _has_asked(self, queue: str, number: int) -> bool:
        """Tell whether an iteration has asked for anything in a queue: killed after that, it asks for no more."""
        of_it = (ASKED.c.queue == queue, ASKED.c.iteration == number)
        with self.loop.database.reading() as connection:
            return connection.scalar(select(ASKED.c.item_id).where(*of_it).limit(1)) is not None

    def _fair(self) -> set[str]:
        """Return the items whose label nobody chose to ask for: drawn at random, or labelled by the data."""
        with self.loop.database.reading() as connection:
            drawn = select(ITEM.c.name).join(ASKED, ASKED.c.item_id == ITEM.c.id)
            found = connection.scalars(drawn.where(ASKED.c.queue == LABELS, ASKED.c.chance.is_not(None)))
            return set(found) | {item for item, label in self._labels_of_data().items() if label is not None}

    def asked(self) -> list[int]:
        """Return the iterations whose models were asked about all recordings."""
        found = iterations.iterations(self.loop.database)
        return [one.number for one in found if self._model_file(one.number).is_file()]

    def model(self, number: int) -> models.Model | None:
        """Return the model of an iteration; None before it was asked."""
        file = self._model_file(number)
        return models.from_json(file.read_text(encoding="utf-8")) if file.is_file() else None

    def standing(self, iteration: Iteration) -> Standing:
        """Return the facts that an iteration's state follows from."""
        n_asked, n_open = iterations.asked_in(self.loop.database, iteration.number)
        is_sealed = iteration.label_set is not None and self.loop.config_of(iteration.number).is_file()
        is_inferred, is_closed = self.model(iteration.number) is not None, iteration.closed_at is not None
        if not is_sealed or is_inferred:
            return Standing(n_asked, n_open, is_sealed, is_inferred=is_inferred, is_closed=is_closed)
        stages = {stage.key: stage for cell in self._grid(iteration.number).cells for stage in cell.walk()}
        ends = {cell.stage.key: cell.stage for cell in self._grid(iteration.number).cells}
        n_built = len(self.store.held(ends.values()))
        holders = self.store.leases.holders()
        is_building = any(name_of(stage) in holders for stage in stages.values())
        is_inferring = self.loop.inferred(iteration.number).is_file()
        return Standing(n_asked, n_open, True, len(ends), n_built, is_building, False, is_inferring, is_closed)

    def estimated_quality(self, number: int) -> quality.Quality | None:
        """Return the figures of the model before an iteration, from what that iteration drew at random."""
        before = [asked for asked in self.asked() if asked < number]
        if not before:
            return None
        said = read_inferred(self.loop, before[-1])["label"]
        decided = label_sets.decided_in(self.loop)
        with self.loop.database.reading() as connection:
            drawn = (ASKED.c.iteration == number, ASKED.c.queue == LABELS, ASKED.c.chance.is_not(None))
            columns = select(ITEM.c.name, ITEM.c.motor, ASKED.c.chance)
            rows = list(connection.execute(columns.join(ASKED, ASKED.c.item_id == ITEM.c.id).where(*drawn)))
        known = [(item, motor, chance, decided[item].label) for item, motor, chance in rows if item in decided]
        found = [
            quality.Drawn(motor, label, str(said[item]), chance)
            for item, motor, chance, label in known
            if label is not None and item in said.index
        ]
        return quality.estimated(found, self.loop.facts.classes)

    def _candidates(self, number: int) -> Candidates:
        """Return what may be asked for: not of test motors, nor waiting already; with the labels that hold now."""
        with self.loop.database.reading() as connection:
            of_now = (ASKED.c.iteration == number, ASKED.c.queue == LABELS, ASKED.c.is_open)
            waiting = select(ASKED.c.item_id).where(*of_now)
            rows = connection.execute(select(ITEM.c.name).where(ITEM.c.side != "test", ITEM.c.id.not_in(waiting)))
            items = set(rows.scalars())
        decided = label_sets.decided_in(self.loop)
        data = self._labels_of_data()
        meta = meta_of(self.loop)
        meta = meta[meta["item"].isin(items)][["item", "motor"]].reset_index(drop=True)
        meta["label"] = [_said(decided[item]) if item in decided else data[item] for item in meta["item"]]
        asked = self.asked()
        facts, said, rival = self.loop.facts, read_inferred(self.loop, asked[-1]) if asked else None, self._rival()
        differ = () if rival is None or said is None else shadow.disagreed(rival[1], said, items)
        return Candidates(meta, said, self.seed + number, facts.classes, facts.normal, tuple(differ))

    def _rival(self) -> "tuple[int, pd.DataFrame] | None":
        """Return the champion's iteration and what it said, where the newest model is another."""
        held, asked = iterations.aliases(self.loop.database).get(CHAMPION), self.asked()
        if held is None or not asked or held["iteration"] in (asked[-1], None):
            return None
        return held["iteration"], read_inferred(self.loop, held["iteration"])

    def shadow(self) -> shadow.Shadow | None:
        """Return where champion and newest model judge non-test motors differently; None if they are the same."""
        rival = self._rival()
        if rival is None:
            return None
        number, sides = self.asked()[-1], self.loop.sides()
        allowed = {item for item, side in sides.items() if side != "test"}
        labels = {item: label for item, label in self._labels_now().items() if label is not None}
        return shadow.compared((rival[0], number), rival[1], read_inferred(self.loop, number), labels, allowed)

    def due(self, now: datetime | None = None) -> Mapping[str, float]:
        """Return the triggers of `loop.triggers` that are reached, with what reached them."""
        sealed = [one.label_set for one in iterations.iterations(self.loop.database) if one.label_set]
        before = label_sets.read_set(self.loop.label_set(sealed[-1])) if sealed else {}
        sides, labels, asked = self.loop.sides(), self._labels_now(), self.asked()
        learned = {item for item, side in sides.items() if side != "test"}
        found = label_sets.difference(*({item: of.get(item) for item in learned} for of in (before, labels)))
        open_items = [item for item in learned if labels.get(item) is None]
        unlike = read_inferred(self.loop, asked[-1])["unlike"].reindex(open_items).dropna().to_list() if asked else []
        share = sum(value >= triggers.STRANGE for value in unlike) / max(1, len(unlike))
        facts = triggers.Facts(
            n_labels=found["new"] + found["changed"],
            unlike_share=share,
            sealed_at=iterations.last_sealed(self.loop.database),
            now=now or datetime.now(UTC),
        )
        return triggers.due(facts, self.settings.triggers)

    def _labels_now(self) -> dict[str, str | None]:
        """Return the labels that hold now, by item: people's, else the data's."""
        data = self._labels_of_data()
        decided = label_sets.labels_of(label_sets.decided_in(self.loop))
        # Only of the data's own items: what a shadow has asked about is in no training.
        return data | {item: label for item, label in decided.items() if item in data}

    def _labels_of_data(self) -> dict[str, str | None]:
        """Return the labels that came with the data and count, by item; None for the others."""
        if self.settings.known == "all":
            return labels_of_data(self.loop)
        sides = self.loop.sides()
        return {item: label if sides[item] == "test" else None for item, label in labels_of_data(self.loop).items()}

    def _sealed(self) -> Iteration:
        newest = iterations.newest(self.loop.database)
        if newest.label_set is None:
            raise LoopError(f"the labels of iteration {newest.number} are not sealed yet: launch.py loop seal")
        return newest

    def _grid(self, number: int) -> Grid:
        return self.tools.plan(self.loop.config_of(number))

    def _model_file(self, number: int) -> Path:
        return self.loop.inferred(number).with_suffix(".json")


def _said(held: label_sets.Held) -> str:
    """Return the label, or why there is none, of an item that somebody has decided on."""
    return held.label or held.action
