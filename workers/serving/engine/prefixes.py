"""What was computed of earlier prompts: keys and values by tokens, so that a beginning is computed once.

Entries belong to an adapter (its folder's hash) or to the base. Whoever leaves the engine leaves a copy here;
a prompt that begins as an entry does starts behind what they share. The longest unused go first.

Covered: the longest shared beginning, a budget in bytes. Not covered: telling customers apart: who measures
times closely can learn that somebody else's prompt began alike.
"""

from collections import OrderedDict
from collections.abc import Sequence as Tokens
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

LEAST_TOKENS = 32
"""Shorter beginnings are computed as quickly as they are looked up."""
MOST_ENTRIES = 256


@dataclass(frozen=True, slots=True)
class Prefix:
    """Keys and values (layers, 2, tokens, key_value_heads, head_size) of `tokens`."""

    adapter: str
    tokens: NDArray[np.int64]
    computed: torch.Tensor


class PrefixCache:
    """Used by the engine's thread alone."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._entries: OrderedDict[int, Prefix] = OrderedDict()
        self._next = 0
        self.used_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, adapter: str, prompt: Tokens[int]) -> tuple[int, Prefix | None]:
        """How many of the prompt's tokens the best entry shares, and the entry; (0, None) for too few."""
        wanted, best, found = np.asarray(prompt), LEAST_TOKENS - 1, None
        for number, entry in self._entries.items():
            if entry.adapter == adapter and len(entry.tokens) > best:
                shared = shared_tokens(entry.tokens, wanted)
                if shared > best:
                    best, found = shared, number
        if found is None:
            return 0, None
        self._entries.move_to_end(found)
        return best, self._entries[found]

    def keep(self, adapter: str, tokens: Tokens[int], computed: torch.Tensor) -> None:
        """Keep a copy of `computed`; what it contains already is dropped, as is the longest unused."""
        if len(tokens) < LEAST_TOKENS or computed.nbytes > self._budget_bytes:
            return
        own = np.asarray(tokens)
        for number, entry in list(self._entries.items()):
            if entry.adapter != adapter:
                continue
            shared = shared_tokens(entry.tokens, own)
            if shared == len(own):
                self._entries.move_to_end(number)
                return
            if shared == len(entry.tokens):
                self._drop(number)
        self._entries[self._next] = Prefix(adapter, own, computed.clone())
        self._next += 1
        self.used_bytes += computed.nbytes
        while self.used_bytes > self._budget_bytes or len(self._entries) > MOST_ENTRIES:
            self._drop(next(iter(self._entries)))

    def _drop(self, number: int) -> None:
        self.used_bytes -= self._entries.pop(number).computed.nbytes


def shared_tokens(one: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    """How many tokens two sequences begin with in common."""
    length = min(len(one), len(other))
    different = np.flatnonzero(one[:length] != other[:length])
    return int(different[0]) if len(different) else length
