"""Small models of every kind that the influence tests share, with their tasks and data."""

import torch
from torch import Tensor, nn

from workers.influence import ClassificationTask, LanguageModelTask, Profile

SMALL = Profile(dimensions=16, batch=4, chunk_batches=2)


class Everything(nn.Module):
    """Embedding, convolution, layer norm, in-place activation and a linear layer used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 6)
        self.convolution = nn.Conv1d(6, 5, 3, padding=1, stride=2)
        self.norm = nn.LayerNorm(5)
        self.mixer = nn.Linear(5, 5)
        self.head = nn.Linear(5, 3, bias=False)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (N, T) to logits (N, 3)."""
        x = self.convolution(self.embedding(tokens).transpose(1, 2)).transpose(1, 2)
        x = self.activation(self.mixer(self.norm(x)))
        logits: Tensor = self.head(self.mixer(x).mean(dim=1))
        return logits


class Picture(nn.Module):
    """A strided, dilated convolution over pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2))
        self.head = nn.Linear(3, 3)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 2, 6, 5) to logits (N, 3)."""
        logits: Tensor = self.head(torch.tanh(self.convolution(pictures)).mean(dim=(2, 3)))
        return logits


class TinyLanguageModel(nn.Module):
    """Embedding and head over 11 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.up, self.head = nn.Embedding(11, 4), nn.Linear(4, 6), nn.Linear(6, 11)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (N, T) to logits (N, T, 11)."""
        logits: Tensor = self.head(torch.tanh(self.up(self.embedding(tokens))))
        return logits


def seeded(make: type[nn.Module]) -> nn.Module:
    """One model of a kind."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return make()


def perceptron(classes: int = 3) -> nn.Module:
    """4-5-classes."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(nn.Linear(4, 5), nn.GELU(), nn.Linear(5, classes))


def vectors(count: int = 7, classes: int = 3) -> tuple[Tensor, Tensor]:
    """Inputs (count, 4) and labels."""
    generator = torch.Generator().manual_seed(2)
    return (
        torch.rand(count, 4, generator=generator),
        torch.randint(0, classes, (count,), generator=generator),
    )


def tokens(count: int = 6, length: int = 8, words: int = 7) -> Tensor:
    """Random tokens."""
    return torch.randint(0, words, (count, length), generator=torch.Generator().manual_seed(3))


def classifier() -> ClassificationTask:
    """The perceptron's task."""
    return ClassificationTask(perceptron())


def language_task() -> LanguageModelTask:
    """The tiny language model's task."""
    return LanguageModelTask(seeded(TinyLanguageModel))
