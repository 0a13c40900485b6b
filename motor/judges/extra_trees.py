"""Extremely randomised trees (Geurts, Ernst and Wehenkel 2006, Machine Learning 63, 3-42)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from motor.judges.base import Classifier


class ExtraTrees(Classifier):
    """Random columns and random cuts, on rows drawn evenly by class: no tuning, and hard to mislead with few motors."""

    takes_idle: ClassVar[bool] = True
    kind: Literal["extra_trees"] = "extra_trees"

    n_estimators: int = Field(default=500, ge=1, description="trees")
    min_samples_leaf: int = Field(default=1, ge=1, description="rows in a leaf, at least")
    max_features: Literal["sqrt", "log2"] | Annotated[float, Field(gt=0, le=1)] = Field(
        default="sqrt", description="columns tried at each split: a rule, or a fraction"
    )

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Classifier.estimator`)."""
        from motor.judges.estimators.balanced_forest import BalancedExtraTrees

        return BalancedExtraTrees(
            n_estimators=self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            random_state=seed,
            n_jobs=n_threads,
        )


PLUGIN = ExtraTrees
