"""How many motors would do: the power of a paired comparison over motors.

The effect's standard deviation over motors is taken from the measured comparison, the mix of classes and
domains is taken as it is, and the power is that of a paired t-test (statsmodels' `TTestPower`). The number
for the *measured* difference is as uncertain as the difference itself (Hoenig & Heisey, The American
Statistician 55, 2001): it is an order of magnitude for planning, no verdict. The smallest difference that
these motors can show does not depend on what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from motor.lazy import Lazy

statsmodels_power = Lazy("statsmodels.stats.power")

POWER = 0.8
MOST_MOTORS = 10_000  # more is as good as never
LARGEST_EFFECT = 5.0  # standard deviations; beyond it a handful of motors does
# Non-centrality (effect times the root of the number of motors) from which the power is 1 at every level in use;
# there the non-central t loses its digits, and the library's power is NaN here and there.
CERTAIN = 15.0


def motors_needed(
    effect: float, standard_deviation: float, level: float, freedom_per_motor: float | None = None
) -> int | None:
    """Return the fewest motors that show an effect with 80 % power; None if 10 000 do not.

    Parameters
    ----------
    effect : float
        Difference in the metric that is compared.
    standard_deviation : float
        Of the difference over motors: its standard error times the root of the number of motors.
    level : float
        Two-sided level of the test, corrected for the number of comparisons.
    freedom_per_motor : float, optional
        Degrees of freedom that the standard error has for each motor (Welch-Satterthwaite: fewer where the
        variance comes from few of them); one less than the motors by default.
    """
    if effect == 0 or standard_deviation <= 0:
        return None
    size = min(abs(effect) / standard_deviation, LARGEST_EFFECT)
    power = _power(level, freedom_per_motor)
    if power(size, MOST_MOTORS) < POWER:
        return None
    low, high = 1, MOST_MOTORS  # `low` does not do, `high` does
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(size, middle) >= POWER else (middle, high)
    return high


def smallest_shown(
    n_motors: int, standard_deviation: float, level: float, freedom_per_motor: float | None = None
) -> float | None:
    """Return the least effect that so many motors show with 80 % power; None for fewer than two motors.

    Parameters
    ----------
    n_motors : int
        Test motors.
    standard_deviation, level, freedom_per_motor : float
        As for `motors_needed`.
    """
    if n_motors < 2 or standard_deviation <= 0:
        return None
    power = _power(level, freedom_per_motor)
    low, high = 0.0, LARGEST_EFFECT
    if power(high, n_motors) < POWER:
        return None
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, n_motors) >= POWER else (middle, high)
    return high * standard_deviation


def about(number: int) -> str:
    """Return a planned number of motors with no more digits than it deserves, rounded up: 34, 120, 2100."""
    unit = 10 ** max(0, math.floor(math.log10(max(number, 1))) - 1)
    return str(math.ceil(number / unit) * unit)


def _power(level: float, freedom_per_motor: float | None) -> Callable[[float, int], float]:
    """Give the power of a two-sided paired t-test as a function of effect size and number of motors."""
    test = statsmodels_power.TTestPower()

    def power(size: float, n_motors: int) -> float:
        if n_motors < 2:
            return 0.0
        if size * math.sqrt(n_motors) > CERTAIN:
            return 1.0
        # One-sided at half the level: an error of sign is out of the question at this power.
        freedom = n_motors - 1 if freedom_per_motor is None else max(freedom_per_motor * n_motors, 1.0)
        return float(test.power(size, n_motors, level / 2, df=freedom, alternative="larger"))

    return power
