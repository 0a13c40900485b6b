"""The shadow of a served model: it sees what was answered, and its faults are none of an answer's."""

from collections import Counter

import pytest

from motor.predicting import shadowing
from motor.predicting.faults import Outcome
from motor.predicting.inputs import InputOptions, read_recordings
from motor.predicting.printing import as_rows
from motor.predicting.shadowing import Shadow, judged_beside


class Kept:
    """A keeper that remembers."""

    def __init__(self):
        self.counts, self.kept = Counter(), []

    def count(self, **numbers):
        self.counts.update(numbers)

    def keep(self, recording, champion, challenger):
        self.kept.append((recording.item, champion["label"], challenger["label"]))
        return "kept"


@pytest.fixture(scope="module")
def sent(joint, two_files):
    return list(read_recordings(two_files, InputOptions(joint.domains, joint.dataset)))


def test_only_what_is_called_otherwise_is_kept(joint, sent):
    said = {row["item"]: row for row in as_rows(joint.outcome(sent).predictions)}
    keeper, other = Kept(), sent[1].item
    right = said[other]["label"]
    said[other] = {**said[other], "label": "another"}
    assert judged_beside(joint, keeper, sent, said) == {"judged": 2, "differ": 1, "kept": 1, "not_judged": 0}
    assert keeper.kept == [(other, "another", right)]


class Refusing:
    class see:
        @staticmethod
        def remote(*_):
            raise RuntimeError("it died")


def test_a_shadow_that_died_fails_no_answer(joint, sent):
    shadow = Shadow(Refusing())
    for _ in range(3):
        shadow.show(sent, Outcome(joint.outcome(sent).predictions, []))
    assert shadow._n_missed == 3


@pytest.mark.parametrize("bounds", [{"MOST_WAITING": 3}, {"MOST_BYTES": 3.5}])
def test_a_shadow_that_is_behind_is_shown_no_more(joint, sent, monkeypatch, bounds):
    n_bytes = sum(one.signal.nbytes for one in sent)
    for name, most in bounds.items():
        monkeypatch.setattr(shadowing, name, most * n_bytes if name == "MOST_BYTES" else most)
    monkeypatch.setattr(shadowing.ray, "wait", lambda waiting, **_: ([], waiting))
    shown = []

    class Slow:
        class see:
            @staticmethod
            def remote(*told):
                shown.append(told)
                return len(shown)

    shadow, outcome = Shadow(Slow()), joint.outcome(sent)
    for _ in range(5):
        shadow.show(sent, outcome)
    assert (len(shown), shadow._n_missed) == (3, 2)
