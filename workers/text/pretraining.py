"""How the project's own base learns its corpus: steps over whole documents, a checkpoint, the same bytes.

Every document stands alone from its first position. Two epochs of three show it as an answer, of which alone
the loss is taken: what is said must then depend on what was asked. The third shows it as running text.
Documents of like length share a step, so that little is spent on padding.

Covered: one thread, every draw from the preset's seed, going on after a kill at the last checkpoint.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from workers.artifacts.tensors import decode_tensors, encode_tensors
from workers.errors import InvalidInputError
from workers.influence.stages import write_whole
from workers.progress import Progress
from workers.text.corpus import Passage
from workers.text.presets import Preset
from workers.text.tokenizer import BEGIN, END

IGNORED = -100
"""A label that takes no part in the loss."""
CHECKPOINT_STEPS = 50
WINDOW = 512
"""Documents of an epoch are sorted by length within so many."""
BETAS, WEIGHT_DECAY, CLIP_NORM = (0.9, 0.95), 0.1, 1.0


@dataclass(frozen=True, slots=True)
class Document:
    """Token ids; those from `learnt` on count in the loss."""

    tokens: tuple[int, ...]
    learnt: int


def documents(
    passages: Sequence[Passage], tokenizer: PreTrainedTokenizerFast, context: int, epoch: int
) -> list[Document]:
    """Every passage in the form its place and the epoch decide; what exceeds the context comes as more."""
    return [
        part
        for place, passage in enumerate(passages)
        for part in _parts(passage, tokenizer, context, is_answer=(place + epoch) % 3 > 0)
    ]


def _parts(
    passage: Passage, tokenizer: PreTrainedTokenizerFast, context: int, *, is_answer: bool
) -> Iterator[Document]:
    asked = f"{BEGIN}<|user|>{passage.question}{END}<|assistant|>" if is_answer else BEGIN
    said = passage.text if is_answer else f"{passage.called}\n\n{passage.text}"
    start, rest = _encoded(asked, tokenizer)[-context // 2 :], _encoded(said + END, tokenizer)
    room = context - len(start)
    yield Document((*start, *rest[:room]), len(start))
    for first in range(room, len(rest), context):
        yield Document(tuple(rest[first : first + context]), 1)


def _encoded(text: str, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    return list(tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)


def padded(chosen: Sequence[Document]) -> tuple[Tensor, Tensor]:
    """Tokens (N, T) and labels (N, T) of documents; padding is after the end, where nothing sees it."""
    width = max(len(document.tokens) for document in chosen)
    tokens = torch.zeros((len(chosen), width), dtype=torch.int64)
    labels = torch.full_like(tokens, IGNORED)
    for row, document in enumerate(chosen):
        tokens[row, : len(document.tokens)] = torch.tensor(document.tokens)
        labels[row, document.learnt : len(document.tokens)] = torch.tensor(document.tokens[document.learnt :])
    return tokens, labels


def batches(lengths: Sequence[int], budget: int, draw: np.random.Generator) -> list[list[int]]:
    """Rows of an epoch's steps: each of at most `budget` tokens with its padding, all rows once."""
    order = draw.permutation(len(lengths)).tolist()
    found: list[list[int]] = []
    for first in range(0, len(order), WINDOW):
        rows = sorted(order[first : first + WINDOW], key=lambda row: lengths[row])
        batch: list[int] = []
        for row in rows:
            if batch and lengths[row] * (len(batch) + 1) > budget:
                found.append(batch)
                batch = []
            batch.append(row)
        found.append(batch)
    return [found[place] for place in draw.permutation(len(found)).tolist()]


def epochs(
    passages: Sequence[Passage], tokenizer: PreTrainedTokenizerFast, preset: Preset
) -> Iterator[list[Document]]:
    """The documents of every step, without end."""
    draw, epoch = np.random.default_rng(preset.seed), 0
    while True:
        found = documents(passages, tokenizer, preset.context, epoch)
        for rows in batches([len(each.tokens) for each in found], preset.batch_tokens, draw):
            yield [found[row] for row in rows]
        epoch += 1


class Pretraining:
    """One run: model, optimiser, finished steps, tokens and CPU seconds over all processes it took."""

    def __init__(self, model: LlamaForCausalLM, preset: Preset, checkpoint: Path) -> None:
        self.step, self.tokens = 0, 0
        self._model, self._preset, self._checkpoint = model, preset, checkpoint
        self._parameters: dict[str, Tensor] = dict(model.named_parameters())
        self._optimizer = torch.optim.AdamW(
            list(self._parameters.values()), lr=preset.learning_rate, betas=BETAS, weight_decay=WEIGHT_DECAY
        )
        self._earlier_cpu_s, self._started_cpu_s = 0.0, time.process_time()
        self._restore()

    @property
    def cpu_s(self) -> float:
        """CPU time so far, of earlier processes up to their last checkpoint."""
        return self._earlier_cpu_s + time.process_time() - self._started_cpu_s

    def run(self, steps: Iterator[list[Document]], progress: Progress) -> None:
        """All steps that are left; the checkpoint stays for the caller."""
        for _ in range(self.step):
            next(steps)
        first, started_s = self.step, time.monotonic()
        self._model.train()
        while self.step < self._preset.steps:
            loss = self._advance(next(steps))
            left_s = (time.monotonic() - started_s) / (self.step - first) * (self._preset.steps - self.step)
            progress(
                self.step / self._preset.steps,
                f"step {self.step} of {self._preset.steps}, loss {loss:.3f}, {left_s:.0f} s left",
            )
            if self.step % CHECKPOINT_STEPS == 0 and self.step < self._preset.steps:
                self._save()
        self._model.train(False)

    def _advance(self, chosen: list[Document]) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = self._preset.learning_rate * schedule(self.step / self._preset.steps)
        tokens, labels = padded(chosen)
        loss = self._model(input_ids=tokens, labels=labels).loss
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), CLIP_NORM)
        self._optimizer.step()
        self.step += 1
        self.tokens += sum(len(document.tokens) for document in chosen)
        return float(loss.detach())

    def _save(self) -> None:
        arrays: dict[str, Any] = {
            "step": np.array(self.step),
            "tokens": np.array(self.tokens),
            "cpu_s": np.array(self.cpu_s),
        }
        for name, value in self._parameters.items():
            moments = self._optimizer.state[value]
            arrays[f"weight.{name}"] = value.detach().numpy()
            arrays[f"mean.{name}"] = moments["exp_avg"].numpy()
            arrays[f"square.{name}"] = moments["exp_avg_sq"].numpy()
        write_whole(self._checkpoint, encode_tensors(arrays))

    def _restore(self) -> None:
        """Go on from the checkpoint if there is one; an unreadable one is as good as none."""
        try:
            arrays = decode_tensors(self._checkpoint.read_bytes())
            found = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
            step, tokens, cpu_s = (found[name].item() for name in ("step", "tokens", "cpu_s"))
            parts = {
                name: [found[f"{part}.{name}"] for part in ("weight", "mean", "square")]
                for name in self._parameters
            }
        except (FileNotFoundError, InvalidInputError, KeyError):
            return
        with torch.no_grad():
            for name, (weight, mean, square) in parts.items():
                value = self._parameters[name]
                value.copy_(weight)
                self._optimizer.state[value] = {
                    "step": torch.tensor(float(step)),
                    "exp_avg": mean,
                    "exp_avg_sq": square,
                }
        self.step, self.tokens, self._earlier_cpu_s = int(step), int(tokens), float(cpu_s)


def schedule(done: float, warmup: float = 0.05) -> float:
    """Linear warm-up, then half a cosine down to a tenth."""
    if done < warmup:
        return (done + 0.002) / (warmup + 0.002)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def mean_loss(model: LlamaForCausalLM, held_out: Sequence[Document], budget: int) -> float:
    """Mean nats of every learnt token of the documents."""
    total, count = 0.0, 0
    with torch.no_grad():
        for rows in batches([len(each.tokens) for each in held_out], budget, np.random.default_rng(0)):
            tokens, labels = padded([held_out[row] for row in rows])
            learnt = int((labels[:, 1:] != IGNORED).sum())
            total += float(model(input_ids=tokens, labels=labels).loss) * learnt
            count += learnt
    return total / count
