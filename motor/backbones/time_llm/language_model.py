"""The language model: from a folder, a hub name or its sizes; its tensors frozen, and never part of what is saved."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import Embedding, Module

from motor.backbones.base import seeded
from motor.backbones.time_llm.settings import LONGEST_PROMPT
from motor.backbones.weights import WeightsError, quiet, shortened, weights_folder
from motor.lazy import transformers

if TYPE_CHECKING:
    from motor.backbones.time_llm.settings import Sizes, TimeLlm

Tokenize = Callable[[str], Sequence[int]]


def language_model(settings: "TimeLlm", n_tokens: int) -> tuple[Module, torch.Tensor]:
    """Return a model that takes ``inputs_embeds``, in evaluation mode, and the embeddings of its words: (words, width).

    Parameters
    ----------
    settings : TimeLlm
    n_tokens : int
        Tokens of the longest context.

    Raises
    ------
    motor.backbones.weights.WeightsError
        If the weights are missing, incomplete, or of no language model.
    """

    def drawn(seed: int) -> Any:
        return seeded(lambda: transformers.AutoModel.from_config(config, dtype=torch.float32), seed)

    with quiet():
        if settings.weights is None:
            config = transformers.AutoConfig.for_model(**_sizes(settings.sizes, n_tokens))
            model = drawn(settings.llm_seed)
        else:
            folder = weights_folder(settings.weights)
            try:
                config = _shortened(transformers.AutoConfig.from_pretrained(folder), settings.first_layers)
            except ValueError as error:
                raise WeightsError(f"{folder} is no language model that transformers knows: {error}") from None
            model = drawn(settings.llm_seed) if settings.initial == "random" else _loaded(folder, config)
        words_VE = model.get_input_embeddings().weight.detach()
        if settings.body == "random":
            model = drawn(settings.llm_seed + 1)
    # words go in as embeddings, so the model needs no copy of them
    model.set_input_embeddings(Embedding(1, words_VE.shape[1], _weight=torch.zeros(1, words_VE.shape[1])))
    return without_parameters(model.eval()), words_VE


def tokenizer(settings: "TimeLlm") -> Tokenize:
    """Return the tokenizer of the weights; random weights know no words, and their words are bytes."""
    if settings.weights is None:
        return lambda text: tuple(text.encode())

    with quiet():
        own = transformers.AutoTokenizer.from_pretrained(settings.weights)
    return lambda text: tuple(own(text, add_special_tokens=False)["input_ids"])


def without_parameters(module: Module) -> Module:
    """Turn every parameter into a buffer that moves between devices and is neither trained nor saved, in place."""
    for part in module.modules():
        for name, weight in list(part._parameters.items()):
            if weight is not None:
                del part._parameters[name]
                part.register_buffer(name, weight.detach(), persistent=False)
        part._non_persistent_buffers_set.update(part._buffers)
    return module


def digest_of(module: Module) -> str:
    """Return the SHA-256 of a module's frozen tensors, with their names."""
    digest, saved = hashlib.sha256(), module.state_dict().keys()
    for name, values in sorted(module.named_buffers()):
        if name not in saved:
            digest.update(f"{name} {tuple(values.shape)} ".encode())
            digest.update(values.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _sizes(sizes: "Sizes", n_tokens: int) -> dict[str, Any]:
    """Return what a config of a family is made of."""
    places = LONGEST_PROMPT + n_tokens
    if sizes.family == "gpt2":
        own = {"n_embd": sizes.width, "n_layer": sizes.n_layers, "n_head": sizes.n_heads, "n_positions": places}
    else:
        own = {
            "hidden_size": sizes.width,
            "intermediate_size": 4 * sizes.width,
            "num_hidden_layers": sizes.n_layers,
            "num_attention_heads": sizes.n_heads,
            "num_key_value_heads": sizes.n_heads,
            "head_dim": sizes.width // sizes.n_heads,
            "max_position_embeddings": places,
        }
    # its own marks for begin and end are words that it may not have
    marks = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    return {"model_type": sizes.family, "vocab_size": sizes.n_words, **own, **marks}


def _shortened(config: Any, n_layers: int | None) -> Any:
    """Return a config of the first blocks alone."""
    if n_layers is None:
        return config
    if n_layers > config.num_hidden_layers:
        raise WeightsError(f"backbone.first_layers is {n_layers}, and the weights have {config.num_hidden_layers}")
    config.num_hidden_layers = n_layers
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:n_layers]
    return config


def _loaded(folder: Any, config: Any) -> Any:
    """Return a folder's model; one that lacks tensors would get random ones without a word."""
    with torch.random.fork_rng(devices=[]):
        model, report = transformers.AutoModel.from_pretrained(
            folder, config=config, dtype=torch.float32, output_loading_info=True
        )
    if report["missing_keys"]:
        raise WeightsError(f"{folder} lacks tensors of its language model: {shortened(sorted(report['missing_keys']))}")
    return model
