"""What the state holds before a block: many accounts, slots and codes, no two alike."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from benchmarks.precompiles.assembly import assemble
from benchmarks.precompiles.workload import Allocation
from genesis.account import GenesisAccount
from genesis.types import Address

FIRST = 0x1000000000000000000000000000000000000000
MANY = 30_000
CODE_BYTES = 24_576


def numbered(index: int) -> Address:
    return Address((FIRST + index).to_bytes(20, "big"))


@lru_cache(maxsize=1)
def many_accounts() -> Allocation:
    return {numbered(index): GenesisAccount(balance_wei=1 + index) for index in range(MANY)}


@lru_cache(maxsize=1)
def many_slots() -> Mapping[int, int]:
    return {index: index + 1 for index in range(MANY)}


def contracts(count: int) -> Callable[[], Allocation]:
    """Contracts of the largest size that jump to their last byte."""

    def allocation() -> Allocation:
        return {
            numbered(index): GenesisAccount(nonce=1, code=jumper(CODE_BYTES, index)) for index in range(count)
        }

    return allocation


def jumper(size: int, index: int) -> bytes:
    """Code that jumps to its last byte; `index` makes it another code."""
    start = assemble(f"{size - 1} JUMP") + b"\x63" + index.to_bytes(4, "big")
    return start + b"\x5b" * (size - len(start))


def expander() -> Allocation:
    """A contract that takes a megabyte of memory."""
    return _first(assemble(f"1 {1 << 20} MSTORE STOP"))


def reverter(size: int) -> Callable[[], Allocation]:
    """A contract that reverts with so many bytes."""
    return lambda: _first(assemble(f"{size} 0 REVERT"))


def _first(code: bytes) -> Allocation:
    return {numbered(0): GenesisAccount(nonce=1, code=code)}
