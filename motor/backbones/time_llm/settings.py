"""Settings of Time-LLM (Jin et al. 2024, ICLR), and of the controls that tell what its language model does."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from motor.backbones.base import Outline, read_record
from motor.backbones.time_llm.forecaster import LLM, TimeLlmForecaster
from motor.backbones.torch_forecaster import TorchBackbone, TorchForecaster
from motor.backbones.weights import WeightsError, check_no_sizes, read_config
from motor.registry import Record

N_BYTES = 256  # without a tokenizer, each byte of a prompt is a word
LONGEST_PROMPT = 64  # tokens; a prompt in bytes is the longest
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json")


class Sizes(Record):
    """A language model with random weights, where no `weights` are given."""

    family: Literal["gpt2", "llama", "qwen2", "qwen3"] = Field(default="gpt2", description="its architecture")
    width: int = Field(default=64, ge=2, description="of a word")
    n_layers: int = Field(default=2, ge=1, description="transformer blocks")
    n_heads: int = Field(default=4, ge=1, description="attention heads, each of an even width")
    n_words: int = Field(default=N_BYTES, ge=N_BYTES, description="words that it has an embedding of")

    @model_validator(mode="after")
    def _has_even_heads(self) -> Self:
        if self.width % (2 * self.n_heads):
            raise ValueError(
                f"width {self.width} does not make {self.n_heads} heads of an even width; take a multiple of "
                f"{2 * self.n_heads}"
            )
        return self


class Prototypes(Record):
    """The few words that stand for all of the language model's."""

    n: int = Field(default=32, ge=1, description="how many")
    of: Literal["linear", "pca"] = Field(
        default="linear",
        description="``linear``: trained mixtures of all words (`n` weights for each word); ``pca``: trained vectors "
        "that start at the words' principal components",
    )


class TimeLlm(TorchBackbone):
    """Patches attend to word prototypes, and go through a frozen language model behind a prompt of statistics.

    What is trained, and saved, is what stands around the language model. `body` changes the language model alone.
    """

    GIVES: ClassVar[tuple[str, ...]] = ("embedding",)
    SHOWS_TOKENS: ClassVar[bool] = True
    PACKAGES: ClassVar[tuple[str, ...]] = ("transformers",)
    FORECASTER: ClassVar[type[TorchForecaster]] = TimeLlmForecaster
    NETWORK: ClassVar[str] = "motor.backbones.time_llm.network:Network"

    kind: Literal["time_llm"] = "time_llm"
    weights: str | None = Field(
        default=None,
        exclude=True,
        description="local folder or hub name of a language model that takes ``inputs_embeds``; its digest enters the "
        "record instead",
    )
    initial: Literal["weights", "random"] = Field(
        default="weights", description="``random``: the weights' sizes with random values, words included"
    )
    sizes: Sizes = Field(default=Sizes(), description="of a language model with random weights, without `weights`")
    first_layers: int | None = Field(default=None, ge=1, description="blocks of the weights that are used; null is all")
    llm_seed: int = Field(default=0, ge=0, description="of the language model's random weights")
    body: Literal["llm", "random", "attention", "none"] = Field(
        default="llm",
        description="``llm``; ``random``: its blocks with random weights; ``attention``: one trained layer in its "
        "place; ``none``: nothing in its place",
    )
    prototypes: Prototypes = Field(default=Prototypes(), description="what patches are translated into")
    prompt: Literal["statistics", "none"] = Field(
        default="statistics", description="least and largest value, median, trend and periods of the context, in words"
    )
    patch: int = Field(default=64, ge=1, description="samples of a token: a revolution of the shaft, or more")
    stride: int = Field(default=32, ge=1, description="samples from one token to the next, at most `patch`")
    width: int = Field(default=32, ge=2, description="of a patch's embedding, and of what the head is given of a token")
    n_heads: int = Field(default=4, ge=1, description="heads of the attention from patches to prototypes")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.stride > self.patch:
            raise ValueError(f"stride {self.stride} would leave samples out between patches of {self.patch}")
        if self.width % self.n_heads:
            raise ValueError(f"width {self.width} does not make {self.n_heads} heads; take a multiple of it")
        check_no_sizes(self.weights, ["sizes"] if "sizes" in self.model_fields_set else [])
        if self.weights is None and self.first_layers is not None:
            raise ValueError("first_layers is of weights, and there are none; set sizes.n_layers instead")
        return self

    @property
    def source(self) -> str | None:
        return self.weights

    def outline(self) -> Outline:
        """Return what is known before anything is built; any levels can be forecast."""
        n_blocks = 2 if self.body == "attention" else 1
        return Outline(patch=self.stride, n_blocks=n_blocks, levels=(), head_length=None)

    def load(self, folder: Path, domains: tuple[str, ...]) -> TorchForecaster:
        """Load what was trained, and the language model from where this backbone, else the record, says.

        Raises
        ------
        motor.backbones.weights.WeightsError
            Also if the language model is not the one that the forecaster was trained around.
        """
        made_around = read_record(Path(folder), self.kind)[LLM]
        source = made_around["weights"] and (self.weights or made_around["weights"])
        forecaster = super(TimeLlm, self.model_copy(update={"weights": source})).load(folder, domains)
        found = forecaster.model.frozen_digest()
        if found != made_around["digest"]:
            raise WeightsError(
                f"{folder} was trained around a language model of digest {made_around['digest'][:12]}, but "
                f"{source or 'the one of its sizes and seed'} has {found[:12]}; give the same weights (and, for "
                "random ones, the same version of transformers)"
            )
        return forecaster

    def _saved(self, settings: dict) -> Self:
        given = settings if self.weights is None else {**settings, "weights": self.weights}
        return super()._saved({name: value for name, value in given.items() if name != "sizes" or not self.weights})

    def incompatibilities(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        domains: tuple[str, ...],
    ) -> Iterator[tuple[str, str]]:
        """Yield what cannot work, as far as it is known before weights are loaded: the argument's name, and why."""
        yield from super().incompatibilities(context_length, prediction_length, quantile_levels, domains)
        if self.weights is None:
            yield from self._prototype_incompatibilities(self.sizes.width)
            return
        folder = Path(self.weights).expanduser()
        try:
            config = read_config(folder)
        except (WeightsError, OSError):
            return  # a hub name, or a folder of which `weights_folder` says what is wrong
        yield from self._prototype_incompatibilities(config.get("hidden_size", config.get("n_embd")))
        n_layers = config.get("num_hidden_layers", config.get("n_layer"))
        if n_layers is not None and (self.first_layers or 0) > n_layers:
            yield "kind", f"backbone.first_layers is {self.first_layers}, and {folder} has {n_layers}; ask for fewer"
        longest = config.get("max_position_embeddings", config.get("n_positions"))
        needed = LONGEST_PROMPT + -(-context_length // self.stride)
        if self.body in ("llm", "random") and longest is not None and needed > longest:
            yield (
                "context_length",
                f"a prompt and the patches of {context_length} samples are up to {needed} tokens, and {folder} has "
                f"places for {longest}; raise backbone.stride",
            )
        if self.prompt != "none" and not any((folder / name).is_file() for name in TOKENIZER_FILES):
            yield (
                "kind",
                f"{folder} has no tokenizer ({', '.join(TOKENIZER_FILES)}), which a prompt needs; copy it there, or "
                "set backbone.prompt: none",
            )

    def _prototype_incompatibilities(self, width: int | None) -> Iterator[tuple[str, str]]:
        """Yield why words of this width have too few principal components."""
        if self.prototypes.of == "pca" and width is not None and self.prototypes.n > width:
            yield (
                "kind",
                f"words of width {width} have no {self.prototypes.n} principal components; set "
                f"backbone.prototypes.n to at most {width}, or of: linear",
            )
