"""Figures that others published: the form that they are added in, and what is wrong with one that is not in it."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Text = Annotated[str, Field(min_length=1, max_length=400)]


class Added(BaseModel):
    """A published figure with its source, shown beside ours and never ranked with them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dataset: Text = Field(description="the data set: the name or the digest that a table of the page has, or any other")
    recipe: Text = Field(description="what was done, in a few words")
    metric: Text = Field(description="what the score is, say macro_f1")
    score: float = Field(allow_inf_nan=False, description="the figure, as the source gives it")
    interval: tuple[float, float] | None = Field(default=None, strict=False, description="its 95 % interval")
    protocol: Text = Field(description="how it was split and scored, in words; by motor, or not?")
    source: Text = Field(description="where it stands: authors, year, title, table or page")
    url: str | None = Field(default=None, pattern=r"^https?://\S+$", max_length=400, description="of the source")
    backbone: Text | None = Field(default=None, description="the pretrained model, if there is one")
    pretrained_on: tuple[Text, ...] | None = Field(
        default=None, strict=False, description="names of data sets; [] for nothing; left out: nobody says"
    )

    @model_validator(mode="after")
    def _check_interval(self) -> "Added":
        if self.interval is not None and not self.interval[0] <= self.score <= self.interval[1]:
            raise ValueError(f"the score {self.score} lies outside of its interval {list(self.interval)}")
        return self


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a row."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Added.model_json_schema()}


def read_added(path: Path) -> list[Added]:
    """Read rows of others: a JSON object, or a list of them.

    Raises
    ------
    ValueError
        With the file, and of each row what is wrong with it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}; correct --add") from error
    except ValueError as error:
        raise ValueError(f"{path}: it is no JSON ({error}); see docs/compare.md") from error
    rows, faults = [], []
    for number, row in enumerate(content if isinstance(content, list) else [content], 1):
        try:
            rows.append(Added.model_validate_json(json.dumps(row)))
        except ValidationError as error:
            for one in error.errors():
                place = ".".join(map(str, one["loc"])) or "row"
                faults.append(f"{path}, row {number}, {place}: {one['msg']}; got {one['input']!r:.80}")
    if faults:
        raise ValueError("\n".join([*faults, "the form of a row stands in docs/compare.md"]))
    return rows
