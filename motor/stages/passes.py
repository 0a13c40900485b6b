"""The windows that a stage takes through a forecaster: what most of its cost goes with."""

from dataclasses import dataclass

TRAINING = "training"


@dataclass(frozen=True)
class Passes:
    """Some of a stage's work, counted before it is done.

    Attributes
    ----------
    what : str
        `TRAINING`, or the kind of feature that needs them.
    n_windows : int
    context_lengths : tuple of int
        Of the windows, each as often as the others.
    n_steps : int
        Of a training.
    has_modules : bool
        Whether modules stand beside the forecaster.
    """

    what: str
    n_windows: int
    context_lengths: tuple[int, ...]
    n_steps: int = 0
    has_modules: bool = False
