"""What one case of the fuzzer is, and what an engine says to it."""

from dataclasses import dataclass, field
from typing import Any

from genesis.account import GenesisAccount
from genesis.forks import BLOB_RULES, Fork
from genesis.types import Address

FORKS = (Fork.PRAGUE, Fork.OSAKA)
CHAIN_ID = 1
NUMBER = 1
TIMESTAMP_S = 1_700_000_000
GAS_LIMIT = 60_000_000
BASE_FEE_WEI = 7
EXCESS_BLOB_GAS = 0
COINBASE = Address(b"\xc0" * 20)
PREV_RANDAO = b"\x77" * 32


@dataclass(frozen=True)
class Case:
    """A state, and transactions that follow each other in one block."""

    seed: int
    fork: Fork
    accounts: dict[Address, GenesisAccount]
    transactions: tuple[bytes, ...]

    def as_json(self) -> dict[str, Any]:
        """As the other engines read it: bytes in hexadecimal, numbers too."""
        return {
            "fork": self.fork.name.lower(),
            "chainId": hex(CHAIN_ID),
            "number": hex(NUMBER),
            "timestamp": hex(TIMESTAMP_S),
            "gasLimit": hex(GAS_LIMIT),
            "baseFee": hex(BASE_FEE_WEI),
            "excessBlobGas": hex(EXCESS_BLOB_GAS),
            "mostBlobGas": hex(BLOB_RULES[self.fork].maximum_gas),
            "coinbase": COINBASE.hex(),
            "prevRandao": PREV_RANDAO.hex(),
            "accounts": {
                address.hex(): {
                    "nonce": hex(account.nonce),
                    "balance": hex(account.balance_wei),
                    "code": account.code.hex(),
                    "storage": {hex(slot): hex(value) for slot, value in account.storage.items()},
                }
                for address, account in self.accounts.items()
            },
            "transactions": [raw.hex() for raw in self.transactions],
        }


@dataclass(frozen=True)
class Included:
    """What a transaction did: `logs` are (address, topics, data) in hexadecimal."""

    succeeded: bool
    gas_used: int
    logs: tuple[tuple[str, tuple[str, ...], str], ...] = ()


@dataclass(frozen=True)
class Answer:
    """What an engine made of a case. None stands for a transaction it refused."""

    transactions: tuple[Included | None, ...]
    state_root: str
    refusals: tuple[str, ...] = field(default=(), compare=False)


def answer_from_json(answer: dict[str, Any]) -> Answer:
    """What another engine printed."""
    return Answer(
        tuple(None if each is None else _included(each) for each in answer["transactions"]),
        answer["stateRoot"],
        tuple(answer.get("refusals", ())),
    )


def _included(each: dict[str, Any]) -> Included:
    logs = tuple((log[0], tuple(log[1]), log[2]) for log in each["logs"])
    return Included(each["succeeded"], each["gasUsed"], logs)
