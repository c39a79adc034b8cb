"""How an encoder turns texts into vectors: the mean over each text's tokens, at unit length.

Any folder that `AutoModel` reads will do: a sentence-transformers model, or the project's own base. Vectors
equal those of `sentence-transformers` with mean pooling.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError
from workers.text.loading import check_adapter, first_line, folder_of, without_deprecations

BATCH_TEXTS = 32


class MeanPooled(nn.Module):
    """Token ids (N, T), `pad` behind shorter texts, to the means of their last hidden states (N, D)."""

    def __init__(self, encoder: Any, pad: int) -> None:
        super().__init__()
        self.encoder, self.pad = encoder, pad

    def forward(self, tokens: Tensor) -> Tensor:
        mask = (tokens != self.pad).long()
        hidden = self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        mean: Tensor = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1)
        return mean


@dataclass(frozen=True, slots=True)
class Encoder:
    """A model in evaluation mode with its tokenizer."""

    pooled: MeanPooled
    tokenizer: Any

    @property
    def context(self) -> int:
        """How many tokens it can look at."""
        return int(self.pooled.encoder.config.max_position_embeddings)

    def tokens_of(self, text: str, limit: int) -> tuple[int, ...]:
        """The first `limit` tokens as the model reads them; an empty text is one padding token."""
        found = self.tokenizer(text, truncation=True, max_length=limit, verbose=False)["input_ids"]
        return tuple(found) or (self.pooled.pad,)

    def count(self, text: str) -> int:
        """How many tokens a text has, however many the model reads."""
        return len(self.tokenizer(text, verbose=False)["input_ids"])

    def vectors(self, texts: Sequence[str], limit: int) -> Tensor:
        """(N, D) at unit length, in order."""
        found = []
        with torch.no_grad():
            for first in range(0, len(texts), BATCH_TEXTS):
                rows = [self.tokens_of(text, limit) for text in texts[first : first + BATCH_TEXTS]]
                found.append(nn.functional.normalize(self.pooled(filled(rows, self.pooled.pad)), dim=1))
        return torch.cat(found)


def filled(rows: Sequence[Sequence[int]], pad: int, width: int = 0) -> Tensor:
    """Tokens (N, T), T the longest row's or `width` if that is more."""
    longest = max(width, *(len(row) for row in rows))
    tokens = torch.full((len(rows), longest), pad)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = torch.tensor(row)
    return tokens


def load_encoder_folder(folder: Path) -> Encoder:
    """An encoder from its folder in float32; raises InvalidInputError when it is none."""
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise InvalidInputError(f"the encoder does not load: {first_line(error)}") from error
    if tokenizer.pad_token_id is None:
        raise InvalidInputError("the encoder's tokenizer has no padding token")
    model.requires_grad_(False)
    return Encoder(MeanPooled(model, int(tokenizer.pad_token_id)).train(False), tokenizer)


def load_encoder(store: ArtifactStore, base: str) -> Encoder:
    """An encoder by its folder's hash; raises InvalidInputError, ArtifactError."""
    return load_encoder_folder(folder_of(store, base))


def load_adapted_encoder(store: ArtifactStore, base: str, adapter: str) -> Encoder:
    """An encoder with an adapter whose factors are trainable and nothing else; raises InvalidInputError."""
    folder = folder_of(store, adapter)
    check_adapter(folder, base)
    loaded = load_encoder(store, base)
    try:
        with without_deprecations():
            model = PeftModel.from_pretrained(
                loaded.pooled.encoder, folder, is_trainable=True, local_files_only=True
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InvalidInputError(f"the adapter does not load: {first_line(error)}") from error
    return Encoder(MeanPooled(model, loaded.pooled.pad).train(False), loaded.tokenizer)
