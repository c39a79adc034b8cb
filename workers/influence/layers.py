"""How any supported layer's per-example gradient is written as a sum of outer products.

During a pass hooks keep each layer's input and output. For a gradient δ at the output, the gradient of
example n is `G_n = Σ_t left[n, t] ⊗ right[n, t]`, O x I, over positions t: a token, a pixel, one for plain
vectors.

| layer | left | right |
| Linear | δ | input, and 1 for the bias |
| Conv1d, Conv2d (one group) | δ | the patch under the kernel, and 1 |
| Embedding | δ | one-hot of the index |
| LayerNorm | 1 | its whole gradient (scale, shift), summed over positions |

A layer used several times in one pass has its positions strung together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

import torch
from torch import Tensor, nn

from workers.errors import InvalidInputError

MAX_ELEMENTS = 1 << 25
"""How many elements of materialised gradients one step may hold."""

SUPPORTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Embedding, nn.LayerNorm)


@dataclass(frozen=True, slots=True)
class Factors:
    """`left` (N, T, O) and `right` (N, T, I) of one layer; `is_fixed` if `right` depends on the input
    alone."""

    left: Tensor
    right: Tensor
    is_fixed: bool = True


def contracted(factors: Factors) -> Factors:
    """The same gradients over as few positions as their smaller side has coordinates, where that is fewer.

    `G = Σ_t left_t ⊗ right_t` is summed once; written as outer products with unit vectors, it is then turned
    and multiplied at a cost that does not depend on how long the example was. Not for layers so large that
    the whole gradients of a batch pass `MAX_ELEMENTS`.
    """
    examples, positions, outputs = factors.left.shape
    inputs = factors.right.shape[2]
    if positions <= min(outputs, inputs) or examples * outputs * inputs > MAX_ELEMENTS:
        return factors
    unit = torch.eye(min(outputs, inputs), dtype=factors.left.dtype, device=factors.left.device)
    units = unit.expand(examples, -1, -1)
    if inputs <= outputs:
        return Factors(summed(factors.right, factors.left), units, factors.is_fixed)
    return Factors(units, summed(factors.left, factors.right), factors.is_fixed)


def summed(one: Tensor, other: Tensor) -> Tensor:
    """(N, A, B): `Σ_t one[n, t] ⊗ other[n, t]`; several times as fast with the narrower side first."""
    if one.shape[2] <= other.shape[2]:
        return torch.bmm(one.transpose(1, 2), other)
    return torch.bmm(other.transpose(1, 2), one).transpose(1, 2)


def thinned(factors: Factors, most: int) -> Factors:
    """At most `most` of the positions, evenly spaced."""
    step = -(-factors.left.shape[1] // most)
    return Factors(factors.left[:, ::step], factors.right[:, ::step], factors.is_fixed)


def supported_modules(model: nn.Module) -> dict[str, nn.Module]:
    """Every supported module with a trainable weight, by name, in the model's order."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, SUPPORTED) and _is_trainable(module)
    }


def _is_trainable(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.requires_grad


def layer_shape(module: nn.Module) -> tuple[int, int]:
    """(O, I) of the module's gradient; raises InvalidInputError for a kind that is not supported."""
    if isinstance(module, nn.Linear):
        return module.out_features, module.in_features + (module.bias is not None)
    if isinstance(module, nn.Conv1d | nn.Conv2d) and module.groups == 1 and module.padding_mode == "zeros":
        return module.out_channels, module.weight[0].numel() + (module.bias is not None)
    if isinstance(module, nn.Embedding):
        return module.embedding_dim, module.num_embeddings
    if isinstance(module, nn.LayerNorm) and isinstance(module.weight, Tensor):
        return 1, module.weight.numel() * (1 + (module.bias is not None))
    raise InvalidInputError(
        f"{module} cannot be attributed: Linear, Conv1d, Conv2d, Embedding and LayerNorm can"
    )


class Capture:
    """A context that records the inputs and outputs of modules during forward passes inside it."""

    def __init__(self, modules: Mapping[str, nn.Module], *, is_cloning: bool = False) -> None:
        self._modules = modules
        self._is_cloning = is_cloning
        self._versions: list[int] = []
        self._calls: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in modules}
        self._rights: dict[str, Tensor] = {}

    def __enter__(self) -> "Capture":
        self._handles = [
            module.register_forward_hook(self._hook(name)) for name, module in self._modules.items()
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _hook(self, name: str):  # type: ignore[no-untyped-def]  # torch's hook type is Any
        def record(module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
            x = arguments[0].detach()
            self._calls[name].append((x.clone() if self._is_cloning else x, output))
            self._versions += [x._version, output._version]
            return output.clone() if self._is_cloning else output

        return record

    @property
    def is_overwritten(self) -> bool:
        """Whether something worked in place on what was recorded: then it is not what the layer saw or said,
        and the pass must be made again with clones."""
        recorded = [one for calls in self._calls.values() for call in calls for one in call]
        return not self._is_cloning and sum(one._version for one in recorded) != sum(self._versions)

    def outputs(self) -> list[Tensor]:
        """Every recorded output, in a fixed order."""
        return [output for calls in self._calls.values() for _, output in calls]

    def factors(self, values: Tensor, kept: int) -> list[Factors]:
        """Per module the factors of the gradients of `values` (N,), example by example; zero after `kept`."""
        outputs = self.outputs()
        gradients = torch.autograd.grad(
            values[:kept].sum(), outputs, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        found, first = [], 0
        for name in self._modules:
            calls = self._calls[name]
            if not calls:
                raise InvalidInputError(f"module {name!r} did not run in the forward pass")
            found.append(self._of_layer(name, calls, gradients[first : first + len(calls)], kept))
            first += len(calls)
        return found

    def _of_layer(
        self,
        name: str,
        calls: Sequence[tuple[Tensor, Tensor]],
        gradients: Sequence[Tensor],
        kept: int,
    ) -> Factors:
        module = self._modules[name]
        if isinstance(module, nn.LayerNorm):
            parts = [_norm_gradient(module, x, d) for (x, _), d in zip(calls, gradients, strict=True)]
            right = torch.stack(parts).sum(dim=0)[:, None, :]
            return Factors(torch.ones_like(right[..., :1]), right, is_fixed=False)
        if name not in self._rights:
            self._rights[name] = _emptied(_joined([_right(module, x) for x, _ in calls]), kept)
        return Factors(_joined([_left(module, d) for d in gradients]), self._rights[name])


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), dim=1)


def _emptied(right: Tensor, kept: int) -> Tensor:
    """With nothing in the examples that only fill a batch up."""
    if kept == len(right):
        return right
    return torch.cat([right[:kept], torch.zeros_like(right[kept:])])


def _left(module: nn.Module, gradient: Tensor) -> Tensor:
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        return gradient.flatten(2).transpose(1, 2)
    return gradient.reshape(len(gradient), -1, gradient.shape[-1])


def _right(module: nn.Module, x: Tensor) -> Tensor:
    if isinstance(module, nn.Embedding):
        indices = x.reshape(len(x), -1)
        return nn.functional.one_hot(indices, module.num_embeddings).to(module.weight.dtype)
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        flat = _patches(module, x)
    else:
        flat = x.reshape(len(x), -1, x.shape[-1])
    if getattr(module, "bias", None) is None:
        return flat
    return torch.cat([flat, flat.new_ones(*flat.shape[:2], 1)], dim=2)


def _patches(module: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor:
    """(N, T, C·kernel): what lies under the kernel at every place."""
    if isinstance(module.padding, str):
        raise InvalidInputError(
            "convolutions with padding given as a word cannot be attributed: give numbers"
        )
    if isinstance(module, nn.Conv1d):
        x = x[:, :, None, :]
        settings = [
            (1, *module.kernel_size),
            (1, *module.dilation),
            (0, *module.padding),
            (1, *module.stride),
        ]
    else:
        settings = [module.kernel_size, module.dilation, module.padding, module.stride]
    kernel, dilation, padding, stride = settings
    unfolded = nn.functional.unfold(x, kernel, dilation=dilation, padding=padding, stride=stride)
    return unfolded.transpose(1, 2)


def _norm_gradient(module: nn.LayerNorm, x: Tensor, gradient: Tensor) -> Tensor:
    """(N, parameters) of a layer norm's scale and shift."""
    axes = len(module.normalized_shape)
    plain = nn.functional.layer_norm(x, module.normalized_shape, eps=module.eps)
    shape = (len(x), -1, module.weight.numel())
    parts = [(gradient * plain).reshape(shape).sum(dim=1)]
    if module.bias is not None:
        parts.append(gradient.reshape(shape).sum(dim=1))
    if x.ndim <= axes:
        raise InvalidInputError("a layer norm over the examples themselves cannot be attributed")
    return torch.cat(parts, dim=1)
