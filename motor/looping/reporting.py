"""A loop's report: what each iteration came to, on which motors, and what the random share says."""

from collections.abc import Mapping, Sequence

from motor.evaluation.comparisons import Difference
from motor.looping.models import Figures, Model
from motor.looping.quality import Quality


def as_markdown(
    found: Mapping[int, Figures],
    differences: Sequence[Difference],
    looks: int,
    models: Mapping[int, Model | None] | None = None,
    estimates: Mapping[int, Quality | None] | None = None,
) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    found : mapping
        Of test motors as labelled now, by iteration.
    differences : sequence of Difference
        Each iteration against the one before it.
    looks : int
        How often anybody looked at the test motors.
    models : mapping, optional
        The models, with what held-out motors say.
    estimates : mapping, optional
        What the random share of an iteration says of the model before it.
    """
    lines = ["| Iteration | Test macro-F1 | Against the one before | Held-out macro-F1 |", "|---:|---|---|---|"]
    by_late = {one.first: one for one in differences}
    for number, figures in found.items():
        model = (models or {}).get(number)
        held = shown(model.held_out) if model else "–"
        lines.append(f"| {number} | {shown(figures)} | {_gain(by_late.get(number))} | {held} |")
    lines += [
        "",
        f"The test motors were looked at {looks} times; each look wears them out a little. Models are chosen ",
    ]
    lines[-1] += "on held-out motors."
    for number, quality in (estimates or {}).items():
        if quality is not None:
            lines += ["", *_estimate(number, quality)]
    return "\n".join(lines) + "\n"


def shown(figures: Figures | None) -> str:
    """Return figures in short."""
    if figures is None:
        return "–"
    return f"{figures.macro_f1:.3f}{_interval(figures.interval)}, {figures.n_motors} motors"


def _gain(found: Difference | None) -> str:
    if found is None:
        return "–"
    told = "told apart" if found.told_apart else "not told apart"
    return f"{found.value:+.3f}{_interval(found.interval)}, {told}"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"


def _estimate(number: int, quality: Quality) -> list[str]:
    head = f"Drawn at random in iteration {number}: {quality.n_drawn} recordings of {quality.n_motors} motors. "
    head += f"The model before it: macro-F1 {quality.macro_f1:.3f}{_interval(quality.macro_f1_interval)} on the pool."
    rows = ["", "| Class | Precision | Recall | F1 |", "|---|---|---|---|"]
    for name, rates in quality.by_class.items():
        cells = [f"{value:.2f}{_interval(interval)}" for value, interval in rates.values()]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return [head, *rows]
