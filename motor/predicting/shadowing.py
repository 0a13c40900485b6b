"""A second model in the shadow of the one that answers: it judges the same requests after them, and no answer waits."""

import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import ray

from motor.lazy import torch
from motor.predicting.access import Settings
from motor.predicting.faults import Outcome
from motor.predicting.predictor import Predictor
from motor.predicting.printing import as_rows
from motor.recordings.recording import Recording
from motor.registry.sources import Carried

# Of requests that were answered and that the shadow has not judged; what is more is counted as missed.
MOST_WAITING, MOST_BYTES = 256, 256_000_000
LOWEST = 19  # the priority of a process that may take what others leave
STARTS = 3


class Keeper(Protocol):
    """What counts the judgements of both models, and keeps recordings that they judge differently."""

    def count(self, **numbers: int) -> None:
        """Add to what was counted."""

    def keep(self, recording: Recording, champion: Mapping[str, Any], challenger: Mapping[str, Any]) -> str:
        """Keep a recording that the two call otherwise, and return what became of it, to be counted."""


class Challenger:
    """The process of the shadow's model, on the CPU, which takes what the others leave of it."""

    def __init__(self, parts: Carried, keeper: Keeper, threads: int) -> None:
        os.nice(LOWEST)
        torch.set_num_threads(threads)
        self._predictor, self._keeper = Predictor.open(parts.value), keeper

    def ready(self) -> None:
        """Return once the model is loaded."""

    def see(self, recordings: Sequence[Recording], said: Mapping[str, Mapping[str, Any]], n_missed: int) -> None:
        """Judge a request as the answer's model did, and keep where they differ; what fails is counted, too.

        Parameters
        ----------
        recordings : sequence of Recording
        said : mapping
            By item, the row that was answered.
        n_missed : int
            Requests before it that were not shown.
        """
        counts = Counter(missed=n_missed)
        try:
            counts.update(judged_beside(self._predictor, self._keeper, recordings, said))
        except Exception as error:  # of any kind: nobody waits for it, and the next request is another one
            counts["failed"] += 1
            print(f"the shadow could not judge a request: {error!r}", flush=True)
        self._keeper.count(**counts)


def judged_beside(
    predictor: Predictor, keeper: Keeper, recordings: Sequence[Recording], said: Mapping[str, Mapping[str, Any]]
) -> Counter[str]:
    """Judge recordings, keep those that are called otherwise than `said`, and return what is to be counted."""
    counts, by_item = Counter[str](), {one.item: one for one in recordings}
    outcome = predictor.outcome(list(recordings))
    counts["not_judged"] = len(outcome.faults)
    for row in as_rows(outcome.predictions):
        recording, champion = by_item.get(row["item"]), said.get(row["item"])
        if recording is None or champion is None:
            continue
        counts["judged"] += 1
        if row["label"] != champion["label"]:
            counts["differ"] += 1
            counts[keeper.keep(recording, champion, row)] += 1
    return counts


class Shadow:
    """Shows a challenger what was answered, as far as it keeps up; it is the answering process's end of it."""

    def __init__(self, challenger: Any) -> None:
        self._challenger, self._waiting, self._n_missed = challenger, dict[Any, int](), 0  # by request, its bytes
        self._lock = threading.Lock()

    def show(self, recordings: Sequence[Recording], outcome: Outcome) -> None:
        """Hand on a request and its answer. It raises nothing: a fault of the shadow is none of an answer."""
        with self._lock:
            try:
                waiting = [*self._waiting]
                for done in ray.wait(waiting, num_returns=len(waiting), timeout=0)[0] if waiting else ():
                    del self._waiting[done]
                n_bytes = sum(one.signal.nbytes for one in recordings)
                if len(self._waiting) >= MOST_WAITING or sum(self._waiting.values()) + n_bytes > MOST_BYTES:
                    self._n_missed += 1
                    return
                said = {row["item"]: row for row in as_rows(outcome.predictions)}
                self._waiting[self._challenger.see.remote(list(recordings), said, self._n_missed)] = n_bytes
                self._n_missed = 0
            except Exception:
                self._n_missed += 1


def start_challenger(parts: Carried, keeper: Keeper, settings: Settings) -> Any:
    """Start the shadow's process, and return it once its model is loaded; raises what Ray has at hand if it cannot."""
    options = {"num_cpus": settings.threads, "max_restarts": STARTS}
    challenger = ray.remote(Challenger).options(**options).remote(parts, keeper, settings.threads)
    ray.get(challenger.ready.remote())
    return challenger
