"""How running sequences advance together: a step takes what fits, computes it in one pass, hands out tokens.

A step holds one token of every decoding sequence and, up to a budget, pieces of waiting prompts. A sequence
runs when it has a lane and its adapter a slot; one whose adapter is still loading is overtaken, but not for
ever.

Covered: continuous batching, chunked prompts, shared beginnings, lanes, slots, cancelling, fairness.
Not covered: threads (`thread`), text, limits on what waits (`http.generation`).

Invariants: (1) lanes in use are 0..n-1, `_running[i].lane == i`; (2) a running sequence holds one reference
on its adapter's slot and gives it back exactly once, in `_leave`.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from workers.serving.adapters.peft_adapter import PackedAdapter
from workers.serving.adapters.slots import NO_SLOT, SlotPool
from workers.serving.engine.prefixes import LEAST_TOKENS, PrefixCache, shared_tokens
from workers.serving.engine.sampling import choose
from workers.serving.engine.sequence import NO_ADAPTER, Sequence, TokenOutput
from workers.serving.errors import AdapterRefusedError, BadRequestError, EngineFailedError, ServingError
from workers.serving.model.batch import Piece, assemble
from workers.serving.model.lanes import LaneCache
from workers.serving.model.transformer import Transformer

MOST_OVERTAKEN = 64
"""How many sequences may start before one that waits for its adapter, until nobody may."""
NOT_FINITE = "the model computed values that are not finite: its adapter's factors are too large"


class Adapters(Protocol):
    """Where weights come from when a slot needs them; neither method blocks."""

    def packed(self, name: str) -> PackedAdapter | Exception | None:
        """The adapter if it is in memory, the error if it cannot be, None while it is not."""

    def prefetch(self, name: str) -> None:
        """Begin to load what is not in memory."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """`lanes` sequences at once, `batch_tokens` rows a step, `length` tokens a sequence.

    `prefetch` adapters of waiting sequences are asked for in advance; so many must fit in memory together.
    `prefix_bytes` of keys and values are kept for prompts that begin alike; 0 computes every prompt.
    """

    lanes: int
    batch_tokens: int
    length: int
    prefetch: int = 1
    prefix_bytes: int = 0


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """Counters since the start, and what is in the engine now."""

    running: int
    waiting: int
    steps: int
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int


class Engine:
    """`add`, then `step` while `has_work`; all from one thread."""

    def __init__(self, model: Transformer, slots: SlotPool, adapters: Adapters, limits: EngineLimits) -> None:
        self.limits, self.slots = limits, slots
        self._model, self._adapters = model, adapters
        self._cache = LaneCache(model.shape, limits.lanes, limits.length, model.dtype, model.device)
        self._running: list[Sequence] = []
        self._waiting: deque[Sequence] = deque()
        self._prefixes = PrefixCache(limits.prefix_bytes)
        self._steps = self._prompt_tokens = self._cached_tokens = self._generated_tokens = 0

    @property
    def has_work(self) -> bool:
        """True while anything runs or waits."""
        return bool(self._running or self._waiting)

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence whose prompt and limits fit."""
        self._waiting.append(sequence)

    def statistics(self) -> EngineStatistics:
        """A snapshot."""
        return EngineStatistics(
            len(self._running),
            len(self._waiting),
            self._steps,
            self._prompt_tokens,
            self._cached_tokens,
            self._generated_tokens,
        )

    def step(self) -> bool:
        """Advance what can; False when everything waits for adapters to load."""
        self._drop_cancelled()
        self._admit()
        pieces = self._plan()
        if not pieces:
            return False
        batch = assemble([piece for _sequence, piece in pieces], self._model.device)
        logits = self._model.forward(batch, self._cache, self.slots.rows(batch.slots))
        for sequence, piece in pieces:
            sequence.computed += len(piece.tokens)
        ready = [sequence for sequence, piece in pieces if piece.wants_logits]
        self._steps += 1
        self._prompt_tokens += sum(len(piece.tokens) for sequence, piece in pieces if not sequence.generated)
        if ready:
            with torch.inference_mode():
                outputs = choose(logits, ready)
            for sequence, output in zip(ready, outputs, strict=True):
                if output is None:
                    self._leave(sequence, is_sound=False)
                    sequence.deliver(_why_nothing(sequence))
                else:
                    self._append(sequence, output)
        return True

    def fail_running(self, error: Exception) -> None:
        """End what runs after a failed step; what waits may try again."""
        for sequence in list(self._running):
            self._leave(sequence, is_sound=False)
            sequence.deliver(EngineFailedError(f"the engine failed: {type(error).__name__}: {error}"))

    def fail_all(self, error: Exception) -> None:
        """End everything with `error`."""
        for sequence in [*self._running, *self._waiting]:
            if sequence in self._running:
                self._leave(sequence)
            sequence.deliver(error)
        self._waiting.clear()

    # --- Who runs -----------------------------------------------------------------------------------------

    def _drop_cancelled(self) -> None:
        for sequence in [one for one in self._running if one.is_cancelled]:
            self._leave(sequence)
        if any(one.is_cancelled for one in self._waiting):
            self._waiting = deque(one for one in self._waiting if not one.is_cancelled)

    def _admit(self) -> None:
        self._prefetch()
        kept: deque[Sequence] = deque()
        not_ready: set[str] = set()
        while self._waiting and len(self._running) < self.limits.lanes:
            sequence = self._waiting.popleft()
            if sequence.adapter not in not_ready and self._will_be_shared(sequence):
                kept.append(sequence)
            elif sequence.adapter in not_ready or not self._try_start(sequence):
                not_ready.add(sequence.adapter)
                kept.append(sequence)
                if sequence.overtaken >= MOST_OVERTAKEN:
                    break
            elif sequence.lane >= 0:
                for one in kept:
                    one.overtaken += 1
        self._waiting.extendleft(reversed(kept))

    def _prefetch(self) -> None:
        """Ask for the adapters of the first in line only: more would be evicted again before their turn."""
        wanted: dict[str, None] = {}
        for sequence in self._waiting:
            if len(wanted) >= self.limits.prefetch:
                break
            if sequence.adapter != NO_ADAPTER and not self.slots.has(sequence.adapter):
                wanted[sequence.adapter] = None
        for name in reversed(wanted):  # the first in line is touched last, so it is evicted last
            self._adapters.prefetch(name)

    def _try_start(self, sequence: Sequence) -> bool:
        """Give lane and slot; True when the sequence no longer waits, be it because it failed."""
        if sequence.adapter != NO_ADAPTER:
            if not self.slots.has_room(sequence.adapter):
                return False
            is_resident = self.slots.has(sequence.adapter)
            packed = None if is_resident else self._adapters.packed(sequence.adapter)
            if isinstance(packed, Exception):
                sequence.deliver(packed)
                return True
            if packed is None and not is_resident:
                return False
            sequence.slot = self.slots.acquire(sequence.adapter, packed)
        sequence.lane = len(self._running)
        self._begin_lane(sequence)
        self._running.append(sequence)
        return True

    def _begin_lane(self, sequence: Sequence) -> None:
        """Take over what is computed of the prompt's beginning, short of the last token: it gives logits."""
        if not self.limits.prefix_bytes or len(sequence.prompt) <= LEAST_TOKENS:
            return
        shared, entry = self._prefixes.find(sequence.adapter, sequence.prompt)
        running, neighbour = self._best_neighbour(sequence)
        length = min(max(shared, running), len(sequence.prompt) - 1)
        if running > shared and neighbour is not None:
            self._cache.write(sequence.lane, self._cache.read(neighbour.lane, length))
        elif entry is not None:
            self._cache.write(sequence.lane, entry.computed[:, :, :length])
        sequence.computed = length
        self._cached_tokens += length

    def _best_neighbour(self, sequence: Sequence) -> tuple[int, Sequence | None]:
        """The running sequence with the longest computed beginning in common; (0, None) for too few."""
        best, found = LEAST_TOKENS - 1, None
        prompt = np.asarray(sequence.prompt)
        for other in self._running:
            if other.computed > best and _begin_alike(other, sequence):
                shared = shared_tokens(np.asarray(other.tokens[: other.computed]), prompt)
                if shared > best:
                    best, found = shared, other
        return (best, found) if found is not None else (0, None)

    def _will_be_shared(self, sequence: Sequence) -> bool:
        """True while a running sequence computes a beginning that this one can take over soon."""
        if not self.limits.prefix_bytes or len(sequence.prompt) <= LEAST_TOKENS:
            return False
        prompt = np.asarray(sequence.prompt)
        return any(
            shared_tokens(np.asarray(one.prompt), prompt) > one.computed
            for one in self._running
            if one.computed < len(one.prompt) and _begin_alike(one, sequence)
        )

    def _leave(self, sequence: Sequence, *, is_sound: bool = True) -> None:
        if is_sound and self.limits.prefix_bytes:
            computed = self._cache.read(sequence.lane, sequence.computed)
            self._prefixes.keep(sequence.adapter, sequence.tokens[: sequence.computed], computed)
        last = self._running.pop()
        self._cache.clear(sequence.lane, sequence.computed)
        if last is not sequence:
            self._cache.move(last.lane, sequence.lane, last.computed)
            self._cache.clear(last.lane, last.computed)
            self._running[sequence.lane] = last
            last.lane = sequence.lane
        sequence.lane = -1
        if sequence.slot != NO_SLOT:
            self.slots.release(sequence.adapter)
            sequence.slot = NO_SLOT

    # --- What a step computes -----------------------------------------------------------------------------

    def _plan(self) -> list[tuple[Sequence, Piece]]:
        pieces = [(one, _piece(one, 1)) for one in self._running if one.is_decoding]
        budget = max(1, self.limits.batch_tokens - len(pieces))
        for sequence in self._running:
            if sequence.is_decoding or budget <= 0:
                continue
            piece = _piece(sequence, budget)
            budget -= len(piece.tokens)
            pieces.append((sequence, piece))
        return pieces

    def _append(self, sequence: Sequence, output: TokenOutput) -> None:
        self._generated_tokens += 1
        sequence.generated.append(output.token)
        sampling = sequence.sampling
        if sequence.guide is not None:
            sequence.guide.take(output.token)
        if output.token in sampling.stop_tokens or (sequence.guide and sequence.guide.has_ended):
            output = _finished(output, "stop")
        elif len(sequence.generated) >= sampling.max_tokens or sequence.length >= self.limits.length:
            output = _finished(output, "length")
        if output.finish is not None:
            self._leave(sequence)
        sequence.deliver(output)


def _begin_alike(one: Sequence, other: Sequence) -> bool:
    same_start = one.prompt[:LEAST_TOKENS] == other.prompt[:LEAST_TOKENS]
    return same_start and one.adapter == other.adapter and len(one.prompt) >= LEAST_TOKENS


def _piece(sequence: Sequence, limit: int) -> Piece:
    tokens = sequence.next_tokens(limit)
    is_whole = sequence.computed + len(tokens) == sequence.length
    return Piece(sequence.lane, sequence.computed, tokens, sequence.slot, is_whole)


def _why_nothing(sequence: Sequence) -> ServingError:
    """Why no token could be chosen."""
    if sequence.guide is not None and sequence.guide.error:
        return BadRequestError(f"the form of the answer got too complex: {sequence.guide.error}")
    if sequence.adapter == NO_ADAPTER:
        return EngineFailedError("the base computed values that are not finite")
    return AdapterRefusedError(NOT_FINITE, "model")


def _finished(output: TokenOutput, reason: str) -> TokenOutput:
    return TokenOutput(
        output.token, output.logprob, output.alternatives, "stop" if reason == "stop" else "length"
    )
