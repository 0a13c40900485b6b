"""Time-LLM (Jin et al. 2024, ICLR): what is trained around a frozen language model.

Shapes: B windows, T context, H horizon, Q quantiles, P samples of a patch, L patches, N prototypes, W words, V known
values, D width of a patch's embedding, E width of a word, K heads, M tokens of a prompt.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import Dropout, LayerNorm, Linear, Module, Parameter, Sequential
from torch.nn.functional import pad, scaled_dot_product_attention

from motor.backbones.batch import Batch
from motor.backbones.blocks import Blocks
from motor.backbones.layers.patches import known, n_known, n_patches
from motor.backbones.time_llm.language_model import digest_of, language_model, tokenizer
from motor.backbones.time_llm.prompt import Prompts
from motor.backbones.torch_forecaster import Geometry

if TYPE_CHECKING:
    from motor.backbones.time_llm.settings import Prototypes, TimeLlm


class Inputs(Module):
    """From patches and known values to one vector a patch."""

    def __init__(self, patch: int, n_values: int, width: int) -> None:
        super().__init__()
        self.samples, self.known = Linear(patch, width), Linear(n_values, width)

    def forward(self, patches_BLP: Tensor, known_BV: Tensor) -> Tensor:
        return self.samples(patches_BLP) + self.known(known_BV)[:, None]


class Attention(Module):
    """Attention of several heads from tokens to others, of other widths."""

    def __init__(self, width: int, n_heads: int, width_of_tokens: int, width_of_others: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query = Linear(width_of_tokens, width)
        self.key, self.value = Linear(width_of_others, width), Linear(width_of_others, width)
        self.out = Linear(width, width_of_others)

    def forward(self, tokens_BLD: Tensor, others_BNE: Tensor, is_seen_BN: Tensor | None = None) -> Tensor:
        seen = None if is_seen_BN is None else is_seen_BN[:, None, None]
        query_BKLD, key_BKND, value_BKND = (
            layer(tokens).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for layer, tokens in ((self.query, tokens_BLD), (self.key, others_BNE), (self.value, others_BNE))
        )
        heads_BKLD = scaled_dot_product_attention(query_BKLD, key_BKND, value_BKND, seen)
        return self.out(heads_BKLD.transpose(1, 2).flatten(2))


class Mixtures(Module):
    """Prototypes as trained mixtures of all words: the published form, of `n` weights for each word."""

    def __init__(self, words_WE: Tensor, n: int) -> None:
        super().__init__()
        self.mix = Linear(len(words_WE), n)

    def forward(self, words_WE: Tensor) -> Tensor:
        return self.mix(words_WE.T).T


class Components(Module):
    """Prototypes as trained vectors, which start at the words' mean and a deviation along each principal component."""

    def __init__(self, words_WE: Tensor, n: int) -> None:
        super().__init__()
        self.prototype_NE = Parameter(principal(words_WE, n))

    def forward(self, words_WE: Tensor) -> Tensor:
        return self.prototype_NE


class Frozen(Module):
    """The language model over prompt and patches; its dropout stays off, for it is not trained."""

    def __init__(self, llm: Module) -> None:
        super().__init__()
        self.llm = llm

    def train(self, mode: bool = True) -> "Frozen":
        return super().train(False)

    def forward(self, tokens_BLE: Tensor, is_real_BL: Tensor) -> Tensor:
        place_BL = (is_real_BL.long().cumsum(dim=1) - 1).clamp(min=0)  # what fills up a prompt takes no place
        said = self.llm(
            inputs_embeds=tokens_BLE, attention_mask=is_real_BL.long(), position_ids=place_BL, use_cache=False
        )
        return said.last_hidden_state


class OneLayer(Module):
    """One attention layer in the language model's place (LLM2Attn of Tan et al. 2024, NeurIPS)."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.norm, self.attention = LayerNorm(width), Attention(width, n_heads, width, width)

    def forward(self, tokens_BLE: Tensor, is_real_BL: Tensor) -> Tensor:
        normal_BLE = self.norm(tokens_BLE)
        return tokens_BLE + self.attention(normal_BLE, normal_BLE, is_real_BL)


class Network(Module):
    """From a normalised context to quantiles."""

    words_WE: Tensor

    def __init__(self, geometry: Geometry, settings: "TimeLlm") -> None:
        super().__init__()
        self.patch, self.overlap = settings.stride, settings.patch - settings.stride  # a token's own samples
        self.domains, self.shape = geometry.domains, (geometry.prediction_length, len(geometry.quantile_levels))
        self.n_patches = n_patches(geometry.context_length, self.patch)
        llm, words_WE = language_model(settings, self.n_patches)
        self.register_buffer("words_WE", words_WE, persistent=False)
        width, width_of_words = settings.width, words_WE.shape[1]
        self.inputs = Inputs(settings.patch, n_known(geometry.domains), width)
        self.prototypes = _prototypes(settings.prototypes, words_WE)
        self.reprogram = Attention(width, settings.n_heads, width, width_of_words)
        self.body = self._body(settings, llm, width_of_words)
        self.says = settings.prompt != "none" and self.body is not None
        self.prompts = Prompts(tokenizer(settings)) if self.says else None
        self.out = Sequential(LayerNorm(width_of_words), Linear(width_of_words, width), Dropout())
        self.head = Linear(self.n_patches * width, self.shape[0] * self.shape[1])
        for weight in self.head.parameters():
            torch.nn.init.zeros_(weight)  # a forecast starts at the context's mean

    def blocks(self) -> Blocks:
        """Return the attention to prototypes, and what stands in the language model's place where that is trained."""
        body = [self.body] if isinstance(self.body, OneLayer) else []
        inputs, head = [self.inputs, self.prototypes], [self.out, self.head]
        return Blocks(inputs=inputs, encoder=[self.reprogram, *body], head=head, tokens=self.inputs)

    def forward(self, batch: Batch) -> Tensor:
        """Return quantiles: (B, H, Q)."""
        tokens_BLD = self.encode(batch)
        missing = self.n_patches - tokens_BLD.shape[1]  # of a context that is shorter, patches before its first
        return self.head(pad(tokens_BLD, (0, 0, missing, 0)).flatten(1)).unflatten(1, self.shape)

    def encode(self, batch: Batch) -> Tensor:
        """Return what each patch became: (B, L, D)."""
        tokens_BLD = self.inputs(self._patches(batch.context_BT), known(batch, self.domains))
        prototype_NE = self.prototypes(self.words_WE)
        words_BLE = self.reprogram(tokens_BLD, prototype_NE.expand(len(tokens_BLD), -1, -1))
        return self.out(self._through_body(words_BLE, batch.context_BT))

    def frozen_digest(self) -> str:
        """Return the SHA-256 of what is neither trained nor saved."""
        return digest_of(self)

    def _patches(self, context_BT: Tensor) -> Tensor:
        """Cut contexts into patches that overlap, from the end backwards; filled up with the mean, 0: (B, L, P)."""
        missing = -context_BT.shape[1] % self.patch
        whole_BT = pad(context_BT, (missing + self.overlap, 0))
        return whole_BT.unfold(1, self.patch + self.overlap, self.patch)

    def _through_body(self, words_BLE: Tensor, context_BT: Tensor) -> Tensor:
        if self.body is None:
            return words_BLE
        is_real_BL = torch.ones(words_BLE.shape[:2], dtype=torch.bool, device=words_BLE.device)
        n_patches = words_BLE.shape[1]
        if self.prompts is not None:
            token_BM, is_real_BM = self.prompts(context_BT)
            words_BLE = torch.cat([self.words_WE[token_BM], words_BLE], dim=1)
            is_real_BL = torch.cat([is_real_BM, is_real_BL], dim=1)
        return self.body(words_BLE, is_real_BL)[:, -n_patches:]

    @staticmethod
    def _body(settings: "TimeLlm", llm: Module, width: int) -> Module | None:
        if settings.body == "none":
            return None
        return OneLayer(width, 1) if settings.body == "attention" else Frozen(llm)


def _prototypes(settings: "Prototypes", words_WE: Tensor) -> Module:
    kind = {"linear": Mixtures, "pca": Components}[settings.of]
    return kind(words_WE, settings.n)


def principal(words_WE: Tensor, n: int) -> Tensor:
    """Return the words' mean plus a deviation along each of the first principal components: (n, E).

    Raises
    ------
    ValueError
        If the words have fewer components.
    """
    if n > words_WE.shape[1]:
        raise ValueError(f"words of width {words_WE.shape[1]} have no {n} principal components; ask for fewer")
    mean_E = words_WE.double().mean(dim=0)
    spread_WE = words_WE.double() - mean_E
    variances_E, axes_EE = torch.linalg.eigh(spread_WE.T @ spread_WE / len(words_WE))
    step_NE = (axes_EE * variances_E.clamp(min=0).sqrt()).T.flip(0)[:n]
    largest_N1 = step_NE.gather(1, step_NE.abs().argmax(dim=1, keepdim=True))
    return (mean_E + step_NE * torch.where(largest_N1 < 0, -1.0, 1.0)).float()  # a component's sign is free
