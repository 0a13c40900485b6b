"""The figures of one cell: one function a figure, PNG files that are the same bytes in a rerun."""

from motor.evaluation.figures.confusion import confusion_figure
from motor.evaluation.figures.curves import roc_pr_figure
from motor.evaluation.figures.residuals import residual_figure
from motor.evaluation.figures.tsne import tsne_figure

__all__ = ["confusion_figure", "residual_figure", "roc_pr_figure", "tsne_figure"]
