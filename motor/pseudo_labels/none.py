"""No pseudo-labels: what every labeller is compared with."""

from typing import Any, Literal

from numpy.typing import NDArray

from motor.pseudo_labels.base import LabelledSeries, Proposal, PseudoLabeller, Workshop


class Nothing(PseudoLabeller):
    """Labelled series alone."""

    kind: Literal["none"] = "none"

    def propose(self, known: LabelledSeries, X_MD: NDArray[Any], at: Workshop) -> Proposal:
        """Return no label (see `PseudoLabeller.propose`)."""
        return Proposal.nothing(len(X_MD))


PLUGIN = Nothing
