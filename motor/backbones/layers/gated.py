"""Parts of a temporal fusion transformer (Lim, Arik, Loeff and Pfister 2021, Int. J. Forecasting 37, 1748-1764).

Shapes: B windows, S places in a sequence, D width, N variables.
"""

import torch
from torch import Tensor
from torch.nn import Dropout, LayerNorm, Linear, Module, ModuleList


class GatedSkip(Module):
    """``norm(skip + glu(dropout(new)))``: new information passes a gate that can shut it out (eq. 2 and 5)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dropout, self.gate, self.norm = Dropout(), Linear(width, 2 * width), LayerNorm(width)

    def forward(self, new: Tensor, skip: Tensor) -> Tensor:
        return self.norm(skip + torch.nn.functional.glu(self.gate(self.dropout(new)), dim=-1))


class GatedResidual(Module):
    """A gated residual network (eq. 2 to 4), with the static context that it may be given."""

    def __init__(self, width: int, n_out: int | None = None, context: int = 0) -> None:
        super().__init__()
        n_out = width if n_out is None else n_out
        self.wide, self.narrow = Linear(width, width), Linear(width, n_out)
        self.context = Linear(context, width, bias=False) if context else None
        self.skip = Linear(width, n_out) if n_out != width else None
        self.out = GatedSkip(n_out)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        hidden = self.wide(x)
        if self.context is not None and context is not None:
            hidden = hidden + self.context(context)
        skip = x if self.skip is None else self.skip(x)
        return self.out(self.narrow(torch.nn.functional.elu(hidden)), skip)


class VariableSelection(Module):
    """Weighs variables anew at each place, by all of them and the static context (eq. 6 to 8)."""

    def __init__(self, n_variables: int, width: int, context: int) -> None:
        super().__init__()
        self.each = ModuleList(GatedResidual(width) for _ in range(n_variables))
        self.joined = Linear(n_variables * width, width)
        self.weights = GatedResidual(width, n_variables, context)

    def forward(self, variables_BSND: Tensor, context_B1D: Tensor) -> Tensor:
        weight_BSN = self.weights(self.joined(variables_BSND.flatten(2)), context_B1D).softmax(dim=-1)
        seen_BSND = torch.stack([each(variables_BSND[..., n, :]) for n, each in enumerate(self.each)], dim=2)
        return (weight_BSN[..., None] * seen_BSND).sum(dim=2)


class InterpretableAttention(Module):
    """Attention whose heads share their values, so that their mean says what was looked at (eq. 13 to 16).

    A place sees itself and those before it.
    """

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads, self.head = n_heads, max(1, width // n_heads)
        self.query, self.key = (Linear(width, n_heads * self.head) for _ in range(2))
        self.value, self.out = Linear(width, self.head), Linear(self.head, width, bias=False)
        self.dropout = Dropout()

    def forward(self, x_BSD: Tensor) -> Tensor:
        query, key = (part(x_BSD).unflatten(-1, (self.n_heads, self.head)).transpose(1, 2) for part in self._parts())
        score = query @ key.transpose(-1, -2) / self.head**0.5
        later_SS = torch.ones(score.shape[-2:], dtype=torch.bool, device=score.device).triu(1)
        weight_BSS = score.masked_fill(later_SS, -torch.inf).softmax(dim=-1).mean(dim=1)
        return self.out(self.dropout(weight_BSS) @ self.value(x_BSD))

    def _parts(self) -> tuple[Linear, Linear]:
        return self.query, self.key
