"""Stages in waves: a wave begins once the one before is done, and between the two some stages may be given up."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass


@dataclass(frozen=True)
class Waves:
    """The waves that a race builds its cells in, and what is decided after each.

    Attributes
    ----------
    of : mapping of str to int
        Key of a stage -> its wave, from 0; a stage that is not in it is of the first.
    between : callable
        From the number of a wave that is done, and the keys of what failed or hangs on that, to the keys of the stages
        that nobody wants any more.
    n_waves : int
    """

    of: Mapping[str, int]
    between: Callable[[int, Set[str]], Set[str]]
    n_waves: int
