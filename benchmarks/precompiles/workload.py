"""What is measured: one kind of call or transaction that a block is filled with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from genesis.account import GenesisAccount
from genesis.types import Address

CONTRACT = Address(bytes.fromhex("c0de" * 10))
SAMPLE_GAS = 3_000_000

Allocation = Mapping[Address, GenesisAccount]


@dataclass(frozen=True)
class Sent:
    """A transaction to sign: gas limit and what differs from an empty call of `CONTRACT`."""

    gas: int
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Workload:
    """`transactions(gas)` fill about so much gas. `accounts` are in the state before the block."""

    family: str
    name: str
    transactions: Callable[[int], Sequence[Sent]]
    accounts: Callable[[], Allocation]
    sample_gas: int = SAMPLE_GAS


def contract_call(
    family: str,
    name: str,
    code: bytes,
    data: bytes = b"",
    *,
    accounts: Callable[[], Allocation] = dict,
    storage: Callable[[], Mapping[int, int]] = dict,
    sample_gas: int = SAMPLE_GAS,
) -> Workload:
    """One transaction that calls a contract which uses up its gas."""

    def allocation() -> Allocation:
        return {
            **accounts(),
            CONTRACT: GenesisAccount(nonce=1, balance_wei=10**18, code=code, storage=dict(storage())),
        }

    def transactions(gas: int) -> Sequence[Sent]:
        return [Sent(gas, {"data": data})]

    return Workload(family, name, transactions, allocation, sample_gas)
