"""A forecaster of several branches: its linear branch starts from the closed form, others perhaps from fine-tunes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from motor.backbones.linear.forecaster import FITTED_WINDOWS, LinearForecaster
from motor.backbones.torch_forecaster import TorchForecaster

if TYPE_CHECKING:
    from motor.backbones.forecaster import Forecaster
    from motor.backbones.training.trainer import History, Trainer, TrainingData


class HybridForecaster(TorchForecaster):
    """Branches under a gate; see `motor.backbones.hybrid.settings`."""

    settings: Any  # of `motor.backbones.hybrid.settings`

    def fit(self, data: "TrainingData", trainer: "Trainer") -> "History":
        """Solve for the linear branch, if it was not solved yet, and train all branches and the gate."""
        branches = self.model.branches
        if "linear" in branches and not branches["linear"].model["coefficient_NLH"].any():
            linear = self._solver()
            linear.solve(lambda: data.even(FITTED_WINDOWS))
            self._take("linear", linear)
        return super().fit(data, trainer)

    def begin_with(self, forecasters: "Sequence[Forecaster]") -> None:
        """Give each branch the weights of a forecaster of its kind, in the order of the branches."""
        for name, forecaster in zip(self.settings.branches.enabled(), forecasters, strict=True):
            self._take(name, forecaster)

    def _solver(self) -> LinearForecaster:
        """Return a linear forecaster of the branch's shape, which has learned nothing."""
        settings = self.settings.branches.linear.settings
        return LinearForecaster(settings, settings.network(self.geometry), self.geometry)

    def _take(self, name: str, forecaster: "Forecaster") -> None:
        branch = self.model.branches[name]
        branch = branch.model if name == "linear" else branch
        branch.load_state_dict(forecaster.model.state_dict())
