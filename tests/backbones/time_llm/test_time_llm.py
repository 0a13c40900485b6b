"""Time-LLM: its bodies and prototypes, what a prompt says, what is saved, and a language model of a folder."""

import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open

from motor.backbones.batch import Batch
from motor.backbones.time_llm.language_model import tokenizer
from motor.backbones.time_llm.network import principal
from motor.backbones.time_llm.prompt import Prompts, periods_of, phrases
from motor.backbones.time_llm.settings import LONGEST_PROMPT, TimeLlm
from motor.backbones.weights import WeightsError

CONTEXT, HORIZON, LEVELS, DOMAINS = 192, 16, (0.1, 0.5, 0.9), ("one",)
SMALL = {"width": 16, "n_layers": 1, "n_heads": 2}
BODIES = ("llm", "random", "attention", "none")


def created(seed=0, **settings):
    if "weights" not in settings:
        settings = {"sizes": SMALL, **settings}
    return TimeLlm(**settings).create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, seed)


def with_a_head(forecaster):
    """A forecaster whose head is not at zero, so that what comes before it moves the forecast."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        forecaster.model.head.weight.normal_(std=0.03, generator=generator)
    return forecaster


def windows(n_windows):
    """Contexts whose prompts are of different lengths."""
    generator = np.random.default_rng(3)
    period_B1 = generator.integers(3, 70, (n_windows, 1))
    context_BT = np.sin(6.28 * np.arange(CONTEXT) / period_B1) + generator.standard_normal((n_windows, CONTEXT))
    context_BT[::5] += np.linspace(0, 4, CONTEXT)
    return Batch(context_BT.astype(np.float32), None, np.zeros(n_windows, int))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small GPT-2 with other values than its sizes' seed gives, in a folder without a tokenizer."""
    from transformers import GPT2Config, GPT2Model

    torch.manual_seed(5)
    config = GPT2Config(vocab_size=300, n_embd=16, n_layer=2, n_head=2, n_positions=128)
    at = tmp_path_factory.mktemp("gpt2")
    GPT2Model(config).save_pretrained(at)
    return at


@pytest.fixture
def with_tokenizer(folder, tmp_path):
    """The same with a tokenizer of bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = {letter: place for place, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    own = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    own.pre_tokenizer, own.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=own).save_pretrained(tmp_path)
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.mark.parametrize("family", ["gpt2", "qwen2", "llama"])
def test_window_alone_is_forecast_as_among_63_others(family):
    forecaster, batch = with_a_head(created(sizes={**SMALL, "family": family})), windows(64)
    assert len({len("".join(said)) for said in phrases(torch.tensor(batch.context_BT))}) > 3
    together = forecaster.predict_quantiles(batch)
    alone = torch.cat([forecaster.predict_quantiles(batch.rows(slice(row, row + 1))) for row in range(64)])
    deviation_B11 = torch.tensor(batch.context_BT.std(axis=1))[:, None, None]
    torch.testing.assert_close(alone / deviation_B11, together / deviation_B11, atol=1e-6, rtol=1e-6)
    assert (together / deviation_B11).std(dim=0).min() > 0.01


def test_body_changes_the_language_model_alone():
    forecasters = {body: with_a_head(created(body=body)) for body in BODIES}
    around = {
        body: {name: weight for name, weight in one.model.named_parameters() if not name.startswith("body.")}
        for body, one in forecasters.items()
    }
    assert len({tuple((name, tuple(weight.shape)) for name, weight in of.items()) for of in around.values()}) == 1
    said = [one.predict_quantiles(windows(2)) for one in forecasters.values()]
    assert all(not torch.equal(one, other) for place, one in enumerate(said) for other in said[:place])


def test_prompt_moves_the_forecast_and_is_what_sizes_of_a_seed_say():
    batch = windows(2)
    said, silent = (with_a_head(created(prompt=prompt)) for prompt in ("statistics", "none"))
    assert not torch.equal(said.predict_quantiles(batch), silent.predict_quantiles(batch))
    other = with_a_head(created(llm_seed=1))
    assert other.model.frozen_digest() != said.model.frozen_digest()
    assert with_a_head(created()).model.frozen_digest() == said.model.frozen_digest()


def test_prompt_says_statistics_with_a_period_that_is_planted():
    wave_T = np.sin(2 * np.pi * np.arange(400) / 25)
    context_BT = torch.tensor(np.stack([wave_T, np.linspace(-1.7, 1.7, 400), np.zeros(400)]))
    assert periods_of(wave_T)[0] == 25
    wave, line, still = ("".join(said) for said in phrases(context_BT))
    assert wave.startswith(" min -1.0 max 1.0 median 0.0 trend")
    assert wave.split(" lags")[1].split()[0] == "25"
    assert " trend up" in line
    assert still == " min 0.0 max 0.0 median 0.0 trend flat lags"


def test_prompt_looks_a_phrase_up_once_and_stays_within_its_length():
    asked = []
    prompts = Prompts(lambda text: asked.append(text) or tuple(text.encode()))
    hundreds = torch.tensor(np.outer([1e9, -1e9], np.arange(20000.0) % 7000))
    tokens_BM, is_real_BM = prompts(hundreds)
    prompts(hundreds)
    assert len(asked) == len(set(asked))
    assert tokens_BM.shape == is_real_BM.shape
    assert tokens_BM.shape[1] <= LONGEST_PROMPT


def test_principal_prototypes_are_the_words_components():
    words_WE = torch.randn(200, 8, generator=torch.Generator().manual_seed(2)) * torch.arange(1, 9) + 3
    step_NE = principal(words_WE, 3) - words_WE.mean(dim=0)
    _, singular, axes = torch.linalg.svd(words_WE - words_WE.mean(dim=0), full_matrices=False)
    expected = axes[:3] * singular[:3, None] / 200**0.5
    torch.testing.assert_close(step_NE.abs(), expected.abs(), atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="no 9 principal components"):
        principal(words_WE, 9)


@pytest.mark.parametrize("body", BODIES)
def test_saved_holds_no_frozen_tensor_and_the_language_model_by_digest(body, tmp_path):
    forecaster = with_a_head(created(body=body, prototypes={"n": 4, "of": "pca"}, seed=7))
    forecaster.save(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as tensors:
        assert set(tensors.keys()) == {name for name, _ in forecaster.model.named_parameters()}
    record = json.loads((tmp_path / "forecaster.json").read_text())
    assert record["language_model"] == {"weights": None, "digest": forecaster.model.frozen_digest()}
    loaded = TimeLlm().load(tmp_path, DOMAINS)
    assert torch.equal(loaded.predict_quantiles(windows(3)), forecaster.predict_quantiles(windows(3)))


def test_weights_of_a_folder_are_found_again_and_no_others_taken(with_tokenizer, tmp_path_factory):
    weights, saved = str(with_tokenizer), tmp_path_factory.mktemp("predictor")
    forecaster = with_a_head(created(weights=weights, first_layers=1, prototypes={"n": 4}))
    forecaster.save(saved)
    assert "h.0.ln_1.weight" in {name.removeprefix("body.llm.") for name, _ in forecaster.model.named_buffers()}
    assert "h.1.ln_1.weight" not in {name.removeprefix("body.llm.") for name, _ in forecaster.model.named_buffers()}
    said = forecaster.predict_quantiles(windows(3))
    assert torch.equal(TimeLlm().load(saved, DOMAINS).predict_quantiles(windows(3)), said)
    _change_a_weight(with_tokenizer / "model.safetensors")
    with pytest.raises(WeightsError, match="was trained around a language model of digest"):
        TimeLlm().load(saved, DOMAINS)


def test_weights_tokenizer_is_their_own(with_tokenizer):
    alphabet = json.loads((with_tokenizer / "tokenizer.json").read_text())["model"]["vocab"]
    assert list(tokenizer(TimeLlm(weights=str(with_tokenizer)))("max")) == [alphabet[letter] for letter in "max"]


def _change_a_weight(file):
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    tensors["h.0.ln_1.weight"] += 1
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("settings", "context", "argument", "why"),
    [
        ({}, 64, "kind", "has no tokenizer"),
        ({"prompt": "none", "prototypes": {"n": 17, "of": "pca"}}, 64, "kind", "n to at most 16"),
        ({"prompt": "none", "first_layers": 3}, 64, "kind", "first_layers is 3"),
        ({"prompt": "none", "stride": 1}, 512, "context_length", "raise backbone.stride"),
    ],
)
def test_what_a_folder_cannot_do_is_said_before_it_is_loaded(folder, settings, context, argument, why):
    ((found, said),) = TimeLlm(weights=str(folder), **settings).incompatibilities(context, HORIZON, LEVELS, DOMAINS)
    assert (found, why in said) == (argument, True), said


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"stride": 65}, "would leave samples out"),
        ({"width": 30}, "does not make 4 heads"),
        ({"sizes": {"width": 20}}, "a multiple of 8"),
        ({"weights": "gpt2", "sizes": SMALL}, "have their own"),
        ({"first_layers": 1}, r"sizes\.n_layers"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, why):
    with pytest.raises(ValidationError, match=why):
        TimeLlm(**settings)
