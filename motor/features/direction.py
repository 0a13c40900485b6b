"""Whether a forecast knows where a signal goes: three classes, beside the rule that it returns to its mean.

Shapes: B windows, T context, H horizon.
"""

import numpy as np

TERCILES = (1 / 3, 2 / 3)
N_CLASSES = 3
STILL = 1e-6  # a context that deviates less, in scaled units, is not divided by its deviation


def rises(context_BT: np.ndarray, path_BH: np.ndarray) -> np.ndarray:
    """Return how far the mean of a path is above that of as many samples before it, in the context's deviations: (B,).

    Parameters
    ----------
    context_BT : ndarray of shape (n_windows, context_length)
    path_BH : ndarray of shape (n_windows, prediction_length)
        What came, or what was forecast.
    """
    deviation_B = context_BT.std(axis=1, dtype=np.float64)
    rise_B = path_BH.mean(axis=1, dtype=np.float64) - context_BT[:, -path_BH.shape[1] :].mean(axis=1, dtype=np.float64)
    return rise_B / np.where(deviation_B > STILL, deviation_B, 1.0)


def reversion(context_BT: np.ndarray, horizon: int) -> np.ndarray:
    """Return the rises that the rule forecasts by which a signal returns to its context's mean: (B,).

    It knows nothing of the signal; what a forecast says of a direction counts for what it says beyond this.
    """
    mean_B1 = context_BT.mean(axis=1, keepdims=True, dtype=np.float64)
    return rises(context_BT, np.broadcast_to(mean_B1, (len(context_BT), horizon)))


def balanced_accuracy(rise_B: np.ndarray, said_B: np.ndarray, edges: np.ndarray) -> float | None:
    """Return the mean over classes of the share that was said right; chance is a third. None without windows.

    Parameters
    ----------
    rise_B, said_B : ndarray of shape (n_windows,)
        As they came, and as they were forecast.
    edges : ndarray of shape (2,)
        Between the classes: thirds of the training windows.
    """
    class_B, answer_B = np.searchsorted(edges, rise_B), np.searchsorted(edges, said_B)
    shares = [float(np.mean(answer_B[class_B == one] == one)) for one in range(N_CLASSES) if (class_B == one).any()]
    return sum(shares) / len(shares) if shares else None
