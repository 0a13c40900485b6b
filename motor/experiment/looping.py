"""The settings of a loop over a config's grid: they enter no key, and a grid that is no loop has no use for them."""

from typing import Literal

from pydantic import Field

from motor.registry import Record, plugins

STRATEGIES = tuple(plugins("motor.asking"))


class Triggers(Record):
    """What lets ``launch.py loop run --when-due`` begin; any one of them does, once the last round has cooled down."""

    labels: int | None = Field(default=20, ge=1, description="new or changed labels since the last were sealed")
    unlike: float | None = Field(
        default=None, gt=0, le=1, description="share of the recordings without a label that are unlike training"
    )
    hours: float | None = Field(default=None, gt=0, description="since labels were sealed last")
    cooldown_hours: float = Field(default=1.0, ge=0, description="since labels were sealed last; until then none does")


class Looping(Record):
    """How a loop asks, and when it is done; ``launch.py loop new`` reads it."""

    asking: Literal[STRATEGIES] = Field(  # type: ignore[valid-type]
        default="margin_with_clusters", description="strategy that chooses what is asked for"
    )
    strangest_until: int = Field(
        default=1, ge=0, description="labelled motors of each class until which the strangest motors are asked for"
    )
    batch: int = Field(default=20, ge=1, description="recordings that an iteration asks for")
    first: int = Field(default=40, ge=1, description="recordings that the first iteration asks for, all at random")
    first_test: int = Field(
        default=40, ge=0, description="test recordings without a label that the first iteration asks for, at random"
    )
    test_reviewers: int = Field(default=2, ge=1, description="of each test recording, who have to agree")
    random_share: float = Field(
        default=0.2, gt=0, le=1, description="of a batch that is drawn at random: the quality report rests on it"
    )
    blind_share: float = Field(default=0.2, ge=0, le=1, description="of a batch whose suggestion is hidden")
    known: Literal["all", "test"] = Field(
        default="all",
        description="which labels of the data count: all that there are, or those of test motors alone (a rehearsal)",
    )
    suspected: int = Field(
        default=10, ge=0, description="labels that an iteration asks about again: held-out models doubt them most"
    )
    sure: int = Field(
        default=48, ge=0, description="recordings that an iteration offers to be accepted by the page: models are sure"
    )
    sure_from: float = Field(default=0.95, gt=0.5, le=1, description="probability of its class from which one is sure")
    shadow_share: float = Field(
        default=0.2, ge=0, le=1, description="of a batch, at most: where the challenger contradicts the champion"
    )
    shadow_kept: int = Field(
        default=200, ge=1, description="recordings that ``serve --shadow`` lets wait for a decision, at most"
    )
    shadow_mb: float = Field(
        default=500.0, gt=0, description="of 10^6 bytes, of all signals that ``serve --shadow`` keeps, at most"
    )
    triggers: Triggers = Field(default=Triggers(), description="when a round begins by itself")
    keep_weights: int = Field(
        default=5, ge=1, description="newest iterations whose whole weights ``prune`` leaves, beside every alias's"
    )
    goal: float = Field(default=0.9, gt=0, le=1, description="lower bound of the held-out macro-F1 that completes it")
    goal_recall: float = Field(default=0.8, ge=0, le=1, description="held-out recall of each class that completes it")
    reviewer: Literal["people", "truth"] = Field(
        default="people", description="who decides: people, or the labels of the data (a rehearsal)"
    )
    guidelines: str = Field(default="", description="what reviewers are to look for")
