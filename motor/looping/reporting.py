"""A loop's report: what each iteration came to, on which motors, and what the random share says."""

from collections.abc import Mapping

from motor.evaluation.comparisons import Difference
from motor.looping.models import Compared, Figures, Model
from motor.looping.quality import Quality


def as_markdown(
    compared: Compared,
    models: Mapping[int, Model | None] | None = None,
    estimates: Mapping[int, Quality | None] | None = None,
) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    compared : Compared
        What the test motors say of each iteration.
    models : mapping, optional
        The models, with what held-out motors say.
    estimates : mapping, optional
        What the random share of an iteration says of the model before it.
    """
    columns = ["Iteration", "Test macro-F1", "Against the one before", "Held-out macro-F1"]
    columns += ["Test macro-F1 before corrections"] if compared.sealed else []
    lines = [f"| {' | '.join(columns)} |", f"|---:|{'---|' * (len(columns) - 1)}"]
    by_late = {one.first: one for one in compared.differences}
    for number, figures in compared.figures.items():
        model = (models or {}).get(number)
        cells = [shown(figures), _gain(by_late.get(number)), shown(model.held_out) if model else "–"]
        cells += [shown(compared.sealed.get(number))] if compared.sealed else []
        lines.append(f"| {number} | {' | '.join(cells)} |")
    lines += ["", _looks(compared.looks)]
    if compared.n_corrected:
        were = "label was" if compared.n_corrected == 1 else "labels were"
        lines += ["", f"{compared.n_corrected} test {were} corrected since the labels were sealed: all is scored anew."]
    for number, quality in (estimates or {}).items():
        if quality is not None:
            lines += ["", *_estimate(number, quality)]
    return "\n".join(lines) + "\n"


def _looks(count: int) -> str:
    often = "once" if count == 1 else f"{count} times"
    return (
        f"The test motors were looked at {often}; each look wears them out a little. Models are chosen on held-out "
        "motors."
    )


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
    if quality.macro_f1_interval is None:
        return [f"{head}Too few to say anything of the model before it; raise loop.batch or loop.random_share."]
    head += f"The model before it: macro-F1 {quality.macro_f1:.3f}{_interval(quality.macro_f1_interval)} on the pool."
    rows = ["", "| Class | Precision | Recall | F1 |", "|---|---|---|---|"]
    for name, rates in quality.by_class.items():
        cells = [f"{value:.2f}{_interval(interval)}" for value, interval in rates.values()]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return [head, *rows]
