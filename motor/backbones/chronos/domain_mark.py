"""How the input alone gives a forecaster the domain of a window, so that one stock folder serves all domains.

The models' own normalisation erases a constant covariate or an offset, so the domain is written where it survives:

- Chronos-Bolt reads which samples are missing: one in each patch is set to NaN, and its position in the patch is
  the domain (`mark_context`). This costs 1 sample in 16. A mark in the oldest patch alone costs next to none, but is
  one token in 257 at a context of 4096; small models had not learned it after 200 steps at 17 tokens.
- Chronos-2 reads covariates: a square-wave pattern known in the past and in the future (`covariate`). Where several
  sensors go in together, a covariate would be the whole group's and tell its rows nothing of themselves; then a
  missing sample in each patch tells Chronos-2 too, each row its own.

Measured on two domains that differ in nothing but what follows (+1 or -1), models of the default sizes, context 1024,
200 steps at 1e-3: mean absolute error 0.07 with and 1.00 without it for Chronos-Bolt, 0.06 and 1.00 for Chronos-2.

Shapes: B windows, T context, H horizon, N domains, P samples of a pattern.
"""

from collections.abc import Iterator
from typing import Any

from motor.backbones.batch import check_domains
from motor.lazy import torch

PATTERN_LENGTH = 16
COVARIATE_NAME = "domain"
FILE_NAME = "domain_mark.json"


def missing_positions(n_domains: int, patch: int) -> list[int]:
    """Return for each domain the position in a patch, from 0, of the one sample that is set to NaN.

    Each domain loses equally many samples, and a context without marks (a forgotten call) is none of them.

    Raises
    ------
    ValueError
        If there are more domains than samples in a patch.
    """
    if n_domains > patch:
        raise ValueError(
            f"{n_domains} domains cannot be told apart by one missing sample in a patch of {patch} samples"
        )
    return [domain * patch // n_domains for domain in range(n_domains)]


def mark_context(
    context_BT: "torch.Tensor", domain_B: "torch.Tensor", n_domains: int, patch: int = 16
) -> "torch.Tensor":
    """Return a copy of the contexts in which each patch says the domain by a missing sample.

    Parameters
    ----------
    context_BT : Tensor of shape (n_windows, context_length)
        Signals. The length must be a multiple of `patch`, because the model counts patches from the end.
    domain_B : LongTensor of shape (n_windows,)
        Domain of each window, 0 to `n_domains` - 1.
    n_domains : int
        Domains that the model was trained on.
    patch : int
        The model's `input_patch_size`.

    Raises
    ------
    ValueError
        If the context is no multiple of the patch, or a domain is out of range.
    """
    n_windows, context_length = context_BT.shape
    if context_length % patch:
        raise ValueError(
            f"context has {context_length} samples, which is no multiple of the patch of {patch}; "
            "the domain's mark would not stand where the model looks for it"
        )
    check_domains(domain_B, n_domains, n_windows)
    positions_N = torch.tensor(missing_positions(n_domains, patch), device=context_BT.device)
    time_T = torch.arange(context_length, device=context_BT.device) % patch
    return context_BT.masked_fill(time_T == positions_N[domain_B.to(context_BT.device)][:, None], torch.nan)


def unaligned(patch: int, context_length: int, rolled_out_head: int | None) -> Iterator[tuple[str, str]]:
    """Yield the lengths in which `mark_context` cannot tell: each pass of a roll-out moves the context by the head's.

    Yields
    ------
    tuple of str
        The setting, and what is wrong with it.
    """
    needs = f"telling a model the domain by missing samples needs lengths that are multiples of its patch of {patch}"
    if context_length % patch:
        yield "context_length", f"{needs}, but context_length is {context_length}"
    if rolled_out_head is not None and rolled_out_head % patch:
        yield "horizon", f"{needs}, but the rolled-out head is {rolled_out_head}"


def pattern(domain: int, n_domains: int) -> list[int]:
    """Return the 16 values, +1 or -1, whose repetition tells Chronos-2 the domain.

    They are the Walsh functions of 16 points without the constant one, in Hadamard's order (Walsh 1923): mean 0
    and variance 1 over any patch, so the model's normalisation leaves them alone, and orthogonal to each other.

    Raises
    ------
    ValueError
        If there are more than 15 domains.
    """
    if n_domains >= PATTERN_LENGTH:
        raise ValueError(
            f"{n_domains} domains cannot be told apart in Chronos-2's covariate; there are patterns for 15"
        )
    return [1 - 2 * (((domain + 1) & t).bit_count() % 2) for t in range(PATTERN_LENGTH)]


def covariate(domain_B: "torch.Tensor", n_domains: int, first: int, stop: int) -> "torch.Tensor":
    """Return each window's covariate for Chronos-2 at samples `first` to `stop` - 1, counted from the forecast's start.

    The past of a context of T samples is ``covariate(domain_B, n, -T, 0)``, a future of H samples
    ``covariate(domain_B, n, 0, H)``; sample t has the pattern's value t modulo 16.

    Returns
    -------
    Tensor of shape (n_windows, stop - first), float32
    """
    check_domains(domain_B, n_domains, len(domain_B))
    device = domain_B.device
    patterns_NP = torch.tensor([pattern(domain, n_domains) for domain in range(n_domains)], dtype=torch.float32)
    time = torch.arange(first, stop, device=device) % PATTERN_LENGTH
    return patterns_NP.to(device)[domain_B][:, time]


def bolt_recipe(domains: tuple[str, ...], patch: int) -> dict[str, Any]:
    """Return what a user of the stock library must know to tell a Chronos-Bolt folder the domain."""
    return {
        "means": "one missing sample in each patch of the context",
        "recipe": (
            f"Give contexts whose length is a multiple of {patch}. Before pipeline.predict_quantiles or "
            f"pipeline.embed, set to NaN each sample of the context whose number (0 is the oldest) modulo {patch} is "
            "the window's domain's missing_position. Nothing else changes."
        ),
        "example": f"context[:, missing_position['NAME'] :: {patch}] = float('nan')",
        "patch": patch,
        "missing_position": dict(zip(domains, missing_positions(len(domains), patch), strict=True)),
    }


def together_recipe(domains: tuple[str, ...], patch: int) -> dict[str, Any]:
    """Return what a user of the stock library must know to give a Chronos-2 folder the sensors of one moment."""
    return {
        "means": "one missing sample in each patch of the context; sensors of one moment are variates of one item",
        "recipe": (
            f"Cut the contexts of the sensors of one motor at the same samples; their length is a multiple of {patch}. "
            f"In each, set to NaN each sample whose number (0 is the oldest) modulo {patch} is its domain's "
            "missing_position. Pass a list of dicts to pipeline.predict_quantiles or pipeline.embed, one for each "
            "moment, whose target has one row for each sensor, in any order. The items of one call must have equally "
            "many rows; a sensor that was measured alone is an item of one row."
        ),
        "example": (
            f"for row, name in zip(contexts, names): row[missing_position[name] :: {patch}] = float('nan')\n"
            "pipeline.predict_quantiles([{'target': contexts}], prediction_length=H)"
        ),
        "patch": patch,
        "missing_position": dict(zip(domains, missing_positions(len(domains), patch), strict=True)),
    }


def chronos2_recipe(domains: tuple[str, ...]) -> dict[str, Any]:
    """Return what a user of the stock library must know to tell a Chronos-2 folder the domain."""
    return {
        "means": "a periodic covariate, known in the past and in the future",
        "recipe": (
            f"Count samples t from the forecast's start: the context of T samples is t = -T .. -1, the horizon of H "
            f"samples is t = 0 .. H-1. The covariate {COVARIATE_NAME!r} is patterns[domain][t mod 16]. Pass a list of "
            "dicts to pipeline.predict_quantiles, with the past and the future of the covariate; to pipeline.embed, "
            "with its past alone."
        ),
        "example": (
            "p = np.array(patterns['NAME'], dtype='float32'); "
            f"{{'target': context, 'past_covariates': {{'{COVARIATE_NAME}': p[np.arange(-T, 0) % 16]}}, "
            f"'future_covariates': {{'{COVARIATE_NAME}': p[np.arange(H) % 16]}}}}"
        ),
        "covariate": COVARIATE_NAME,
        "patterns": {name: pattern(domain, len(domains)) for domain, name in enumerate(domains)},
    }
