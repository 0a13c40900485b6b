"""How unlike anything in training a series is: its distance to training series, as a share of theirs.

Shapes: N series, D columns of features, K coordinates (directions kept, and the distance from their span).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from motor.lazy import pandas as pd

NEIGHBOURS = 5
PARTS = 5  # at most; each motor is compared with those of the other parts
MOST_SERIES = 2000  # of a domain that are kept to compare with
MOST_DIRECTIONS = 32
EXPLAINED = 0.95  # of the variance, by the directions kept
STILL = 1e-6  # a column that varies less than this share of its level does not vary


@dataclass(frozen=True)
class Space:
    """The standardised space of training series, and where they lie in it.

    Attributes
    ----------
    centre_D, scale_D : ndarray of shape (n_columns,)
    directions_DK : ndarray of shape (n_columns, n_directions)
        Principal directions over the deviation along them, so that all count alike.
    rest : float
        Root mean square of what the directions leave over.
    places_NK : ndarray of shape (n_series, n_directions + 1)
    """

    centre_D: np.ndarray
    scale_D: np.ndarray
    basis_DK: np.ndarray
    deviation_K: np.ndarray
    rest: np.ndarray
    places_NK: np.ndarray

    @classmethod
    def of(cls, X_ND: np.ndarray) -> "Space":
        """Fit the space to training series."""
        centre_D = X_ND.mean(axis=0)
        spread_D = X_ND.std(axis=0)
        level_D = np.abs(centre_D)
        scale_D = np.where(spread_D > STILL * np.maximum(level_D, STILL), spread_D, np.maximum(level_D, 1.0))
        Z_ND = (X_ND - centre_D) / scale_D
        _, singular_K, basis_KD = np.linalg.svd(Z_ND, full_matrices=False)
        variance_K = singular_K**2 / max(len(X_ND) - 1, 1)
        total = variance_K.sum()
        shares_K = np.cumsum(variance_K) / total if total > 0 else np.ones(len(variance_K))
        kept = min(int(np.searchsorted(shares_K, EXPLAINED)) + 1, MOST_DIRECTIONS, len(variance_K))
        basis_DK, shrunk = basis_KD[:kept].T, total / max(X_ND.shape[1], 1)
        deviation_K = np.sqrt(variance_K[:kept] + shrunk) if total > 0 else np.ones(kept)
        rest = np.sqrt(variance_K[kept:].sum() + shrunk) if total > 0 else 1.0
        space = cls(centre_D, scale_D, basis_DK, deviation_K, np.asarray(rest), np.empty((0, kept + 1)))
        return cls(centre_D, scale_D, basis_DK, deviation_K, np.asarray(rest), space.place(X_ND))

    def place(self, X_ND: np.ndarray) -> np.ndarray:
        """Return where series lie: coordinates along the directions, and the distance from their span."""
        Z_ND = (X_ND - self.centre_D) / self.scale_D
        along_NK = Z_ND @ self.basis_DK
        squares_N = (Z_ND**2).sum(axis=1) - (along_NK**2).sum(axis=1)
        off_N1 = np.sqrt(np.maximum(squares_N, 0.0))[:, None] / self.rest
        return np.concatenate([along_NK / self.deviation_K, off_N1], axis=1)

    def distance(self, X_ND: np.ndarray) -> np.ndarray:
        """Return the mean distance to the nearest training series; infinite where a feature is no number."""
        finite_N = np.isfinite(X_ND).all(axis=1)
        places_NK = self.place(np.where(finite_N[:, None], X_ND, 0.0))
        squares_NM = (places_NK**2).sum(axis=1)[:, None] + (self.places_NK**2).sum(axis=1)
        squares_NM = squares_NM - 2 * places_NK @ self.places_NK.T
        near_N = np.sort(np.maximum(squares_NM, 0.0), axis=1)[:, :NEIGHBOURS]
        return np.where(finite_N, np.sqrt(near_N).mean(axis=1), np.inf)


@dataclass(frozen=True)
class Novelty:
    """Turns distance into the share of known series that lie nearer.

    Attributes
    ----------
    space : Space
    known_N : ndarray of shape (n_known,)
        Sorted distances of series whose motor was not compared with itself: training motors, each from those of
        other parts, and validation motors.
    """

    space: Space
    known_N: np.ndarray

    @classmethod
    def fit(cls, X_ND: np.ndarray, motors: Sequence[str], held_out_ND: np.ndarray) -> "Novelty":
        """Fit to the series of one domain.

        Parameters
        ----------
        X_ND : ndarray of shape (n_series, n_columns)
            Of training motors.
        motors : sequence of str
            The motor of each.
        held_out_ND : ndarray of shape (n_held_out, n_columns)
            Of validation motors; may be empty.
        """
        if len(X_ND) > MOST_SERIES:
            kept = np.sort(np.random.default_rng(0).permutation(len(X_ND))[:MOST_SERIES])
            X_ND, motors = X_ND[kept], [motors[place] for place in kept]
        numbers_N = np.unique(np.asarray(motors, dtype=str), return_inverse=True)[1]
        space = Space.of(X_ND)
        known = [space.distance(held_out_ND)] if len(held_out_ND) else []
        part_N = numbers_N % min(PARTS, int(numbers_N.max()) + 1)
        for part in range(int(part_N.max()) + 1):
            others = part_N != part
            if others.any():
                known.append(Space.of(X_ND[others]).distance(X_ND[~others]))
        return cls(space, np.sort(np.concatenate(known or [space.distance(X_ND)])))

    def unlike(self, X_ND: np.ndarray) -> np.ndarray:
        """Return the share of known series that lie nearer to training than these: 1 is farther than all."""
        return np.searchsorted(self.known_N, self.space.distance(X_ND), side="left") / len(self.known_N)

    def to_arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """Return the arrays that `from_arrays` takes, their names begun with a prefix."""
        arrays = {field.name: np.asarray(getattr(self.space, field.name)) for field in fields(self.space)}
        return {f"{prefix}{name}": array for name, array in {**arrays, "known_N": self.known_N}.items()}

    @classmethod
    def from_arrays(cls, arrays: "dict[str, np.ndarray]", prefix: str) -> "Novelty":
        """Rebuild what `to_arrays` gave."""
        space = Space(**{field.name: arrays[f"{prefix}{field.name}"] for field in fields(Space)})
        return cls(space, arrays[f"{prefix}known_N"])


def fit_by_domain(features: Path, columns: Sequence[str], domains: Sequence[str]) -> dict[str, Novelty]:
    """Fit to the training and validation motors of a fold's ``features.parquet``, each domain by itself."""
    table = pd.read_parquet(features)
    found = {}
    for domain in domains:
        rows = table[table["domain"] == domain]
        train, held_out = rows[rows["side"] == "train"], rows[rows["side"] == "validation"]
        X_ND, held_out_ND = (part[list(columns)].to_numpy(np.float64) for part in (train, held_out))
        found[domain] = Novelty.fit(X_ND, train["motor"].astype(str).tolist(), held_out_ND)
    return found


def write(path: Path, by_domain: dict[str, Novelty], domains: Sequence[str]) -> None:
    """Write what was fitted by domain, as arrays without pickles."""
    arrays: dict[str, np.ndarray] = {}
    for number, domain in enumerate(domains):
        arrays |= by_domain[domain].to_arrays(f"{number}-")
    np.savez(path, **arrays)  # type: ignore[arg-type]


def read(path: Path, domains: Sequence[str]) -> dict[str, Novelty]:
    """Read what `write` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return {domain: Novelty.from_arrays(arrays, f"{number}-") for number, domain in enumerate(domains)}
