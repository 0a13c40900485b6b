"""A multilayer perceptron."""

from typing import Annotated, Any, Literal

from pydantic import Field

from motor.judges.base import Classifier


class Mlp(Classifier):
    """A small perceptron on standardised columns, trained with Adam.

    It never holds rows back to stop early: rows of one motor would lie on both sides.
    """

    kind: Literal["mlp"] = "mlp"

    hidden_layer_sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(64,), min_length=1, description="width of each hidden layer"
    )
    weight_decay: float = Field(default=0.1, ge=0, description="scikit-learn's alpha, the L2 penalty")
    learning_rate: float = Field(default=1e-3, gt=0, description="of Adam")
    batch_size: int = Field(default=32, ge=1, description="rows a step")
    n_epochs: int = Field(default=200, ge=1, description="at most; it ends where the loss stands still")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Classifier.estimator`)."""
        from motor.judges.estimators.balanced_mlp import BalancedMlp
        from motor.judges.estimators.scaled import scaled

        return scaled(
            BalancedMlp(
                hidden_layer_sizes=self.hidden_layer_sizes,
                alpha=self.weight_decay,
                learning_rate_init=self.learning_rate,
                batch_size=self.batch_size,
                max_iter=self.n_epochs,
                random_state=seed,
            )
        )


PLUGIN = Mlp
