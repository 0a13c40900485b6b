"""A small convolutional network with a wide first layer, and its training: exact under the same seed.

Shapes: B windows, T samples of a window, C classes.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from motor.features.fitted.windows import standardised

FIRST_KERNEL, FIRST_STRIDE, KERNEL = 64, 16, 3
CHANNELS = (16, 32, 64, 64, 64)
BATCH_SIZE = 256  # windows at once where nothing is learned

Result = TypeVar("Result")


def wide_cnn(n_classes: int, dropout_rate: float) -> nn.Sequential:
    """Return WDCNN (Zhang et al. 2017, Sensors 17, 425, table 2) with a mean over time before its last layers.

    The mean, where the paper flattens, lets windows be of any length; the paper's dense layer of 100 follows.
    """
    layers: list[nn.Module] = []
    for n_in, n_out in zip((1, *CHANNELS), CHANNELS, strict=False):
        kernel, stride = (FIRST_KERNEL, FIRST_STRIDE) if n_in == 1 else (KERNEL, 1)
        convolution = nn.Conv1d(n_in, n_out, kernel, stride, padding=kernel // 2)
        layers += [convolution, nn.BatchNorm1d(n_out), nn.ReLU(), nn.MaxPool1d(2, ceil_mode=True)]
    head = [nn.Linear(CHANNELS[-1], 100), nn.ReLU(), nn.Dropout(dropout_rate), nn.Linear(100, n_classes)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), *head)


def fit_wide_cnn(
    windows_BT: np.ndarray,
    class_B: np.ndarray,
    weight_B: np.ndarray,
    *,
    n_epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    dropout_rate: float,
    crop: float,
    seed: int,
) -> dict[str, np.ndarray]:
    """Train the network and return its state.

    Parameters
    ----------
    windows_BT : ndarray of shape (n_windows, n_samples), float32
    class_B : ndarray of shape (n_windows,), int
    weight_B : ndarray of shape (n_windows,)
        Of each window in the loss.
    n_epochs, batch_size, learning_rate, weight_decay, dropout_rate
        Of AdamW; the rate rises to `learning_rate` and falls to 0 in one cycle.
    crop : float
        Share of a window that a step sees, from a random place; its sign is turned at random, too.
    seed : int
        Of weights, batches, crops and dropout.
    """
    x_BT, class_T = torch.from_numpy(standardised(windows_BT)), torch.from_numpy(class_B.astype(np.int64))
    weight_T = torch.from_numpy(weight_B.astype(np.float32))
    n_batches = max(1, len(x_BT) // batch_size)
    n_crop = max(1, round(crop * x_BT.shape[1]))

    def train() -> dict[str, np.ndarray]:
        network = wide_cnn(int(class_B.max()) + 1, dropout_rate).train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=n_epochs * n_batches)
        for _ in range(n_epochs):
            for rows in torch.randperm(len(x_BT)).tensor_split(n_batches):
                start = int(torch.randint(x_BT.shape[1] - n_crop + 1, ()))
                sign_B1 = torch.randint(2, (len(rows), 1)) * 2.0 - 1
                logits_BC = network((x_BT[rows, start : start + n_crop] * sign_B1)[:, None])
                losses_B = nn.functional.cross_entropy(logits_BC, class_T[rows], reduction="none")
                optimizer.zero_grad()
                (losses_B @ weight_T[rows] / weight_T[rows].sum()).backward()
                optimizer.step()
                schedule.step()
        return {name: value.numpy().copy() for name, value in network.state_dict().items()}

    return exactly(train, seed)


def logits(state: dict[str, np.ndarray], windows_BT: np.ndarray) -> np.ndarray:
    """Return the logits of windows: float32, shape (n_windows, n_classes)."""

    def predict() -> np.ndarray:
        with torch.device("meta"):
            network = wide_cnn(len(next(reversed(state.values()))), dropout_rate=0.0)
        tensors = {name: torch.from_numpy(value.copy()) for name, value in state.items()}
        network.load_state_dict(tensors, assign=True)
        x_BT = torch.from_numpy(standardised(windows_BT))
        with torch.inference_mode():
            return torch.cat([network.eval()(part[:, None]) for part in x_BT.split(BATCH_SIZE)]).numpy()

    return exactly(predict, seed=0)


def exactly(compute: Callable[[], Result], seed: int) -> Result:
    """Run on one thread with torch's generator seeded, and put both back: more threads add in another order."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            return compute()
    finally:
        torch.set_num_threads(n_threads)
