"""Measure how often a labeller is right about motors that it does not know: training motors are hidden in turn.

Shapes: N labelled series, M unlabelled ones.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor.lazy import scipy
from motor.pseudo_labels.base import LabelledSeries, Proposal, PseudoLabeller, Workshop, taken_of


@dataclass(frozen=True)
class ClassProof:
    """How often a labeller was right about one class, on hidden motors.

    Attributes
    ----------
    n_motors : int
        Hidden motors of which some series was called so.
    n_series : int
        That were called so.
    precision : float or None
        Share that was so, each motor counting alike.
    lower : float
        Lower bound of the precision, over motors; 0 where there is none.
    is_proven : bool
        Whether the bound reaches what is asked for.
    """

    n_motors: int
    n_series: int
    precision: float | None
    lower: float
    is_proven: bool


def prove(labeller: PseudoLabeller, known: LabelledSeries, X_MD: NDArray[Any], at: Workshop) -> dict[str, ClassProof]:
    """Hide labelled motors in turn, label them, and compare; return what is proven of each class.

    Where no motor can be hidden (a class has one alone), nothing is proven; a precision of 0 asks for no proof.
    """
    called: dict[str, list[tuple[str, bool]]] = {name: [] for name in at.classes}
    for seen, unseen in known.parts():
        rest, hidden = known.of(seen), known.of(unseen)
        proposal = labeller.propose(rest, np.concatenate([hidden.X_ND, X_MD]), at)
        for name, label, motor in zip(proposal.label_M, hidden.label_N, hidden.motor_N, strict=False):
            if name is not None:
                called[name].append((str(motor), bool(name == label)))
    return {name: _of_class(rows, labeller) for name, rows in called.items()}


def believed(proposal: Proposal, proofs: dict[str, ClassProof]) -> Proposal:
    """Return a proposal without the classes that are not proven."""
    proven = {name for name, proof in proofs.items() if proof.is_proven}
    kept = np.array([label in proven for label in proposal.label_M], dtype=bool)
    found = taken_of(kept, proposal.label_M, proposal.probability_M, proposal.notes)
    return replace(found, refused=proposal.refused)


def lower_bound(share_n: NDArray[np.float64], certainty: float) -> float:
    """Return a lower bound of the mean of shares, one a motor (Clopper and Pearson 1934, Biometrika 26, 404-413).

    A share between 0 and 1 varies no more than a coin of that mean, for which the bound is exact.
    """
    right, n_motors = float(np.sum(share_n)), len(share_n)
    return 0.0 if right <= 0 else float(scipy.stats.beta.ppf(1 - certainty, right, n_motors - right + 1))


def as_json(proofs: dict[str, ClassProof]) -> dict[str, dict[str, Any]]:
    """Return proofs as JSON has them."""
    return {name: asdict(proof) for name, proof in proofs.items()}


def _of_class(rows: list[tuple[str, bool]], labeller: PseudoLabeller) -> ClassProof:
    by_motor: dict[str, list[bool]] = {}
    for motor, is_right in rows:
        by_motor.setdefault(motor, []).append(is_right)
    if not by_motor:
        return ClassProof(0, 0, None, 0.0, labeller.precision <= 0)
    share_n = np.array([np.mean(of) for of in by_motor.values()])
    lower = lower_bound(share_n, labeller.certainty)
    return ClassProof(len(share_n), len(rows), float(share_n.mean()), lower, lower >= labeller.precision)
