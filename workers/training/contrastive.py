"""How an encoder is trained on pairs so that the same manifest gives the same bytes on the same machine kind.

Multiple-negatives ranking: among all positives of its batch (and the negatives of its pairs: rejected texts,
mined ones) a pair's anchor must find its own. Float32, every draw from the recipe's seed, no dropout.

Covered: adapters on any encoder or all its weights, exact resumption, texts that are the positive of several
pairs in a batch. Not covered: mining again with the half-trained encoder.
Source: Henderson et al. 2017; sentence-transformers' MultipleNegativesRankingLoss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import peft
import torch
from torch import Tensor, nn

from workers.datasets.pairs import Pair
from workers.errors import InvalidInputError
from workers.progress import Progress
from workers.protocol import EmbeddingRecipe
from workers.text.encoders import Encoder, MeanPooled, filled
from workers.text.loading import without_deprecations
from workers.training.mining import hard_negatives
from workers.training.settings import check_embedding_recipe
from workers.training.steps import StepResult, Trained, train

UNUSED = "pooler"
"""Names of what only classifiers use."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A pair as tokens, with texts that do not belong."""

    anchor: tuple[int, ...]
    positive: tuple[int, ...]
    negatives: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """Tokens of all its texts."""
        return len(self.anchor) + len(self.positive) + sum(map(len, self.negatives))


def token_pairs(pairs: Sequence[Pair], encoder: Encoder, recipe: EmbeddingRecipe) -> list[TokenPair]:
    """Pairs as the encoder reads them, with the texts it takes for near among other pairs'."""
    mined = hard_negatives(encoder, pairs, recipe.hard_negatives, recipe.max_tokens)

    def tokens(text: str) -> tuple[int, ...]:
        return encoder.tokens_of(text, recipe.max_tokens)

    return [
        TokenPair(
            tokens(pair.anchor),
            tokens(pair.positive),
            tuple(tokens(text) for text in ([pair.negative] if pair.negative else []) + found),
        )
        for pair, found in zip(pairs, mined, strict=True)
    ]


def prepared_encoder(encoder: Encoder, recipe: EmbeddingRecipe) -> Encoder:
    """What is trained: all weights, or fresh adapters from the seed; nothing that only classifiers use."""
    if recipe.method == "full":
        for name, value in encoder.pooled.named_parameters():
            value.requires_grad_(UNUSED not in name)
        return encoder
    return _adapted(encoder, recipe)


def _adapted(encoder: Encoder, recipe: EmbeddingRecipe) -> Encoder:
    names = [name for name, _ in encoder.pooled.encoder.named_modules()]
    config = peft.LoraConfig(
        task_type="FEATURE_EXTRACTION",
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=0.0,
        target_modules=sorted(recipe.targets) or "all-linear",
        exclude_modules=rf".*{UNUSED}.*" if any(UNUSED in name for name in names) else None,
    )
    torch.manual_seed(recipe.seed)
    try:
        with without_deprecations():
            model = peft.get_peft_model(encoder.pooled.encoder, config)
    except ValueError as error:
        raise InvalidInputError(f"adapters do not fit the encoder: {error}") from error
    return Encoder(MeanPooled(model, encoder.pooled.pad), encoder.tokenizer)


def train_on_pairs(
    encoder: Encoder,
    pairs: Sequence[TokenPair],
    recipe: EmbeddingRecipe,
    checkpoint: Path,
    progress: Progress,
) -> tuple[Encoder, Trained]:
    """Train from the checkpoint if there is one, else from the start; the checkpoint stays for the caller."""
    check_embedding_recipe(recipe, encoder.context)
    if len(pairs) < 2:
        raise InvalidInputError("there are less than two pairs to train on")
    made = prepared_encoder(encoder, recipe)

    def loss_of(rows: list[int]) -> StepResult:
        chosen = [pairs[row] for row in rows]
        loss = ranking_loss(made.pooled, chosen, recipe.temperature)
        return StepResult(loss, sum(each.size for each in chosen))

    trained = train(made.pooled, recipe, len(pairs), loss_of, checkpoint=checkpoint, progress=progress)
    return made, trained


def ranking_loss(pooled: MeanPooled, pairs: Sequence[TokenPair], temperature: float) -> Tensor:
    """Mean -log p of each anchor's own positive among the batch's positives and negatives."""
    candidates = [pair.positive for pair in pairs] + [text for pair in pairs for text in pair.negatives]
    anchors = nn.functional.normalize(pooled(filled([pair.anchor for pair in pairs], pooled.pad)), dim=1)
    others = nn.functional.normalize(pooled(filled(candidates, pooled.pad)), dim=1)
    logits = anchors @ others.T / temperature
    return nn.functional.cross_entropy(
        logits.masked_fill(_repeated(pairs, candidates), float("-inf")), torch.arange(len(pairs))
    )


def _repeated(pairs: Sequence[TokenPair], candidates: Sequence[tuple[int, ...]]) -> Tensor:
    """(N, C): candidates that say the same as the row's own positive and are not it."""
    return torch.tensor(
        [
            [candidate == pair.positive and place != row for place, candidate in enumerate(candidates)]
            for row, pair in enumerate(pairs)
        ]
    )
