"""What the language setup is: a byte GPT, LoRA on its 18 linear layers, eight contributors of source text.

The base is trained from random weights on texts that every Python and Debian has; contributors are eight
modules of the standard library, 30 chunks of 128 bytes each; 320 queries, 240 held out (30 of each module)
and 80 that overlap a training chunk by half. The texts and the base are cached under `data/`, so that another
Python version changes nothing. Torch and numpy only.
"""

import importlib.util
import math
import pydoc_data.topics
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

DATA = Path(__file__).parent / "data"
CONTEXT = 128
WIDTH = 96
LAYERS = 3
HEADS = 4
RANK = 4
CONTRIBUTORS = ("tarfile", "turtle", "mailbox", "ipaddress", "smtplib", "difflib", "optparse", "imaplib")
CHUNKS_EACH = 30
OVERLAP_EACH = 10
DEVELOPMENT_QUERIES = 64
"""Every fifth query is for choosing settings; the other 256 are for evaluation."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Training chunks (240, 128), query chunks (320, 128), their contributors; all uint8 or int64."""

    train: NDArray[np.uint8]
    owners: NDArray[np.int64]
    queries: NDArray[np.uint8]
    query_owners: NDArray[np.int64]
    is_overlap: NDArray[np.bool_]


class LoraLinear(nn.Module):
    """A frozen linear layer plus `B(A(x))`; A and B are plain linear layers without bias."""

    def __init__(self, base: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.A = nn.Linear(base.in_features, rank, bias=False)
        self.B = nn.Linear(rank, base.out_features, bias=False)
        with torch.no_grad():
            self.A.weight.normal_(0.0, base.in_features**-0.5, generator=generator)
            self.B.weight.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """(…, inputs) to (…, outputs)."""
        total: Tensor = self.base(x) + 2.0 * self.B(self.A(x))
        return total


class Block(nn.Module):
    """Causal attention and a GELU perceptron, both behind a layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.project = nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, d) to the same."""
        y = self.norm_1(x)
        shape = (len(x), x.shape[1], HEADS, WIDTH // HEADS)
        heads = [layer(y).reshape(shape).transpose(1, 2) for layer in (self.query, self.key, self.value)]
        mixed = nn.functional.scaled_dot_product_attention(heads[0], heads[1], heads[2], is_causal=True)
        x = x + self.project(mixed.transpose(1, 2).reshape(x.shape))
        change: Tensor = self.down(nn.functional.gelu(self.up(self.norm_2(x))))
        return x + change


class ByteGpt(nn.Module):
    """Logits (N, T, 256) of the next byte for bytes (N, T)."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes, self.places = nn.Embedding(256, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        """As the class says; the embedding is the output matrix too."""
        x = self.bytes(tokens) + self.places.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return nn.functional.linear(self.norm(x), self.bytes.weight)


def chunk_losses(model: nn.Module, tokens: Tensor) -> Tensor:
    """(N,): mean loss in nats over the 127 predictions of each chunk."""
    logits = model(tokens[:, :-1])
    losses = nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    return losses.reshape(len(tokens), -1).mean(dim=1)


def with_adapters(base: ByteGpt, seed: int) -> ByteGpt:
    """A copy of the base with fresh adapters on all 18 linear layers; nothing else is trainable."""
    model = ByteGpt()
    model.load_state_dict(base.state_dict())
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for block in model.blocks:
        for name in ("query", "key", "value", "project", "up", "down"):
            setattr(block, name, LoraLinear(getattr(block, name), RANK, generator))
    return model


def finetune(
    base: ByteGpt,
    tokens: Tensor,
    seed: int,
    *,
    epochs: int = 4,
    batch: int = 16,
    rate: float = 4e-3,
) -> ByteGpt:
    """Adapters trained with AdamW, the rate falling as a half cosine."""
    model = with_adapters(base, seed)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.01, foreach=True
    )
    order = np.random.default_rng(seed)
    steps = -(-len(tokens) // batch)
    for epoch in range(epochs):
        for step, chosen in enumerate(np.array_split(order.permutation(len(tokens)), steps)):
            done = (epoch * steps + step) / (epochs * steps)
            for group in optimizer.param_groups:
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))
            optimizer.zero_grad(set_to_none=True)
            chunk_losses(model, tokens[torch.from_numpy(chosen)]).mean().backward()
            optimizer.step()
    return model.eval()


# --- Making the cached data -------------------------------------------------------------------------------


def make_texts() -> Texts:
    """Chunks from the modules' sources: training and held-out ones interleave, nothing overlaps but the
    80."""
    train, owners, queries, query_owners, is_overlap = [], [], [], [], []
    for owner, name in enumerate(CONTRIBUTORS):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin).read_bytes()
        source = source[len(source) // 4 :]
        pieces = [source[i * CONTEXT : (i + 1) * CONTEXT] for i in range(2 * CHUNKS_EACH + 1)]
        for i in range(CHUNKS_EACH):
            train.append(pieces[2 * i])
            queries.append(pieces[2 * i + 1])
        for i in range(OVERLAP_EACH):
            start = (2 * i) * CONTEXT + CONTEXT // 2
            queries.append(source[start : start + CONTEXT])
        owners += [owner] * CHUNKS_EACH
        query_owners += [owner] * (CHUNKS_EACH + OVERLAP_EACH)
        is_overlap += [False] * CHUNKS_EACH + [True] * OVERLAP_EACH
    return Texts(
        np.frombuffer(b"".join(train), np.uint8).reshape(-1, CONTEXT),
        np.array(owners),
        np.frombuffer(b"".join(queries), np.uint8).reshape(-1, CONTEXT),
        np.array(query_owners),
        np.array(is_overlap),
    )


def base_corpus() -> bytes:
    """Language topics of Python's help, docstrings of other modules, licences."""
    parts = [text.encode() for text in pydoc_data.topics.topics.values()]
    library = (
        Path(math.__file__).parent if hasattr(math, "__file__") else Path(pydoc_data.topics.__file__).parent
    )
    library = Path(pydoc_data.topics.__file__).parent.parent
    skip = {f"{name}.py" for name in CONTRIBUTORS}
    parts += [path.read_bytes() for path in sorted(library.glob("*.py")) if path.name not in skip][:60]
    parts += [path.read_bytes() for path in sorted(Path("/usr/share/common-licenses").glob("*-[0-9].[0-9]"))]
    return b"\n\n".join(parts)


def train_base(steps: int, batch: int, rate: float) -> ByteGpt:
    """The base from random weights."""
    torch.manual_seed(0)
    model = ByteGpt()
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            nn.init.normal_(
                parameter, 0.0, 0.02 if "bytes" in name or "places" in name else parameter.shape[1] ** -0.5
            )
    corpus = np.frombuffer(base_corpus(), np.uint8)
    random = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.05, foreach=True)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, step / 50) * 0.5 * (1 + math.cos(math.pi * step / steps))
        starts = random.integers(0, len(corpus) - CONTEXT, batch)
        tokens = torch.from_numpy(np.stack([corpus[s : s + CONTEXT] for s in starts]).astype(np.int64))
        loss = chunk_losses(model, tokens).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"base step {step} loss {loss.item():.4f}", flush=True)
    return model


def load_texts() -> Texts:
    """The cached chunks."""
    with np.load(DATA / "language_texts.npz") as data:
        return Texts(**{name: data[name] for name in Texts.__dataclass_fields__})


def load_base() -> ByteGpt:
    """The cached base; weights are float16 values."""
    model = ByteGpt()
    with np.load(DATA / "language_base.npz") as data:
        model.load_state_dict({name: torch.from_numpy(data[name].astype(np.float32)) for name in data.files})
    return model.eval()


def tokens_of(chunks: NDArray[np.uint8]) -> Tensor:
    """Chunks as int64 tokens."""
    return torch.from_numpy(chunks.astype(np.int64))


def main() -> None:
    """Write texts and base."""
    DATA.mkdir(exist_ok=True)
    texts = make_texts()
    np.savez_compressed(
        DATA / "language_texts.npz", **{n: getattr(texts, n) for n in Texts.__dataclass_fields__}
    )
    base = train_base(steps=1500, batch=24, rate=3e-3)
    np.savez_compressed(
        DATA / "language_base.npz",
        **{name: value.numpy().astype(np.float16) for name, value in base.state_dict().items()},
    )
    base = load_base()
    with torch.no_grad():
        print("query loss", float(chunk_losses(base, tokens_of(texts.queries)).mean()))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
