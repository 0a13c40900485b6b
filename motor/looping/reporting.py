"""Write a loop's report: each iteration's scores, on which motors, and what the random share says."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from motor.evaluation.comparisons import Difference
from motor.looping.models import Compared, Figures, Model
from motor.looping.quality import Quality
from motor.looping.shadow import Shadow
from motor.looping.training_data import INCREMENTS
from motor.report.words import DEFAULT, FOLDER, Words, catalogue, words

LEVEL = 0.02  # macro-F1 within which increments and cumulative fine-tunes are level
TELLS = 0.65  # macro-F1 below which features were seen not to tell classes, so that no strategy beat chance
FEWEST_ITERATIONS = 3  # before which a low score may come of few labels


def as_markdown(
    compared: Compared,
    models: Mapping[int, Model | None] | None = None,
    estimates: Mapping[int, Quality | None] | None = None,
    shadow: Shadow | None = None,
    language: str = DEFAULT,
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
    shadow : Shadow, optional
        Where champion and challenger differ.
    language : str
        Of the catalogue of its words.
    """
    words, models = _words(language), models or {}
    columns = ["iteration", "test", "gain", "held_out", *(["before"] if compared.sealed else [])]
    lines = [f"| {' | '.join(words.say(f'loop.column.{name}') for name in columns)} |"]
    lines += [f"|---:|{'---|' * (len(columns) - 1)}", *_rows(words, compared, models)]
    lines += ["", words.say("loop.looks", n=compared.looks)]
    if compared.n_corrected:
        lines += ["", words.say("loop.corrected", n=compared.n_corrected)]
    lines += [*_asking(words, models), *_increments(words, models)]
    if shadow is not None:
        lines += ["", words.say("loop.shadow", **vars(shadow))]
    for number, quality in (estimates or {}).items():
        if quality is not None:
            lines += ["", *_estimate(words, number, quality)]
    return "\n".join(lines) + "\n"


@cache
def _words(language: str) -> Words:
    file = Path(FOLDER).parent / "looping" / "words" / f"report.{language}.yaml"
    return words(language).beside(str(file), catalogue(file))


def _rows(words: Words, compared: Compared, models: Mapping[int, Model | None]) -> Iterator[str]:
    by_late = {one.first: one for one in compared.differences}
    for number, figures in compared.figures.items():
        model = models.get(number)
        cells = [_shown(words, figures), _gain(words, by_late.get(number))]
        cells += [_shown(words, model.held_out if model else None)]
        cells += [_shown(words, compared.sealed.get(number))] if compared.sealed else []
        yield f"| {number} | {' | '.join(cells)} |"


def _asking(words: Words, models: Mapping[int, Model | None]) -> list[str]:
    """Say that asking does not pay, where enough iterations brought no model that tells the classes."""
    found = [model.held_out for model in models.values() if model is not None and model.held_out is not None]
    if len(found) < FEWEST_ITERATIONS or not cannot_tell(found[-1]):
        return []
    value = f"{found[-1].macro_f1:.3f}{_interval(found[-1].interval)}"
    return ["", words.say("loop.no_asking", iterations=len(found), value=value)]


def _increments(words: Words, models: Mapping[int, Model | None]) -> Iterator[str]:
    """Say which won, increments or cumulative fine-tunes, wherever a grid has both."""
    for number, model in models.items():
        rivals = model.rivals if model is not None else {}
        for name, (by_increments, steps) in rivals.items():
            at_once, all_steps = rivals.get(name.replace(f"{INCREMENTS}/", "C/"), (0.0, 0))
            if not name.startswith(f"{INCREMENTS}/") or not 0 < steps < all_steps:
                continue
            apart = by_increments - at_once
            won = "level" if abs(apart) <= LEVEL else "increments" if apart > 0 else "cumulative"
            values = {"increment": f"{by_increments:.3f}", "cumulative": f"{at_once:.3f}"}
            share = round(100 * steps / all_steps)
            yield ""
            yield words.say(f"loop.won.{won}", number=number, name=name, share=share, level=LEVEL, **values)


def cannot_tell(held_out: Figures) -> bool:
    """Tell whether a model is shown not to tell the classes apart, as far as held-out motors know."""
    upper = held_out.macro_f1 if held_out.interval is None else held_out.interval[1]
    return upper < TELLS


def _shown(words: Words, figures: Figures | None) -> str:
    if figures is None:
        return "–"
    return words.say("loop.figures", value=f"{figures.macro_f1:.3f}{_interval(figures.interval)}", n=figures.n_motors)


def _gain(words: Words, found: Difference | None) -> str:
    if found is None:
        return "–"
    verdict = words.say("loop.apart" if found.told_apart else "loop.not_apart")
    return f"{found.value:+.3f}{_interval(found.interval)}, {verdict}"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"


def _estimate(words: Words, number: int, quality: Quality) -> list[str]:
    head = words.say("loop.drawn", number=number, recordings=quality.n_drawn, motors=quality.n_motors)
    if quality.macro_f1_interval is None:
        return [f"{head} {words.say('loop.too_few')}"]
    value = f"{quality.macro_f1:.3f}{_interval(quality.macro_f1_interval)}"
    columns = (words.say(f"loop.column.{name}") for name in ("class", "precision", "recall", "f1"))
    rows = [f"{head} {words.say('loop.estimate', value=value)}", "", f"| {' | '.join(columns)} |", "|---|---|---|---|"]
    for name, rates in quality.by_class.items():
        cells = [f"{value:.2f}{_interval(interval)}" for value, interval in rates.values()]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows
