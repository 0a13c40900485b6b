"""A 1D convolutional network with a wide first layer, trained end to end (Zhang et al. 2017, Sensors 17, 425).

Shapes: B windows, T context, C classes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.features.base import FittedFeature, FittedModel, check_windows
from motor.features.fitted.windows import series_frame

if TYPE_CHECKING:
    import pandas as pd


class Cnn(FittedFeature):
    """WDCNN on windows at mean 0 and deviation 1; a series is its windows' mean logits, ``cnn_logit_<class>``.

    The number of epochs is fixed, since motors are too few to spare some for stopping. Every class
    weighs the same. It trains on one thread whatever it may use, so that threads change no result; 450
    windows of 4096 samples take 15 s.
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("torch",)

    kind: Literal["cnn"] = "cnn"
    needs_labels: ClassVar[bool] = True

    n_epochs: int = Field(default=80, ge=1, description="times that each window is seen")
    batch_size: int = Field(default=32, ge=2, description="windows a step")
    learning_rate: float = Field(default=3e-3, gt=0, description="AdamW's, at its peak")
    weight_decay: float = Field(default=1e-2, ge=0, description="AdamW's")
    dropout_rate: float = Field(default=0.3, ge=0, lt=1, description="before the last layer")
    crop: float = Field(default=0.5, gt=0, le=1, description="share of a window that a step sees, at a random place")

    def fit(
        self, windows_BT: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame", seed: int, n_threads: int
    ) -> "CnnModel":
        """Train the network (see `FittedFeature.fit`).

        Raises
        ------
        ValueError
            If there is one class alone.
        """
        from motor.features.fitted.wide_cnn import fit_wide_cnn  # layers of torch

        classes, class_S = np.unique(meta["label"].to_numpy(dtype=str), return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"all training series are of class {str(classes[0])!r}; a network needs two classes or more"
            )
        class_B = class_S[position_B]
        weight_B = 1.0 / np.bincount(class_B, minlength=len(classes))[class_B]
        settings = self.model_dump(exclude={"kind"})
        state = fit_wide_cnn(windows_BT, class_B, weight_B, **settings, seed=seed)
        return CnnModel(state, tuple(str(name) for name in classes), windows_BT.shape[1])


@dataclass
class CnnModel(FittedModel):
    """The network's state, and what its outputs mean."""

    state: dict[str, np.ndarray]
    classes: tuple[str, ...]
    context_length: int

    def transform(self, windows_BT: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Describe series (see `FittedModel.transform`).

        Raises
        ------
        ValueError
            If windows are not as long as those of the training, or a series has none.
        """
        from motor.features.fitted.wide_cnn import logits  # layers of torch

        check_windows(windows_BT, self.context_length)
        names = [f"cnn_logit_{name}" for name in self.classes]
        return series_frame(logits(self.state, windows_BT), position_B, meta, names)


PLUGIN = Cnn
