"""A case from a seed: contracts, accounts, and transactions drawn one by one while ours runs them.

Nonces come from our engine's state, so most transactions are good; some are meant to be refused.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from eth_account import Account
from eth_utils.address import to_checksum_address

from genesis.account import GenesisAccount
from genesis.forks import Fork
from genesis.types import Address
from tests.differential.case import BASE_FEE_WEI, CHAIN_ID, COINBASE
from tests.differential.inputs import PRECOMPILES, number, precompile_input, small
from tests.differential.programs import initcode, program

SENDERS = [Account.from_key((0xABC0 + index).to_bytes(32, "big")) for index in range(5)]
CONTRACTS = [Address(bytes((0x10 + index,)) * 20) for index in range(6)]
EMPTY = Address(b"\xee" * 20)
_FUNDS_WEI = 10**20


def address_of(account: Any) -> Address:
    return Address(bytes.fromhex(account.address[2:]))


def allocation(random: Random, fork: Fork) -> dict[Address, GenesisAccount]:
    """The state before a case; one sender is poor, one account is a delegation."""
    others = [*CONTRACTS, EMPTY, *(address_of(sender) for sender in SENDERS)]
    accounts = {address_of(sender): GenesisAccount(balance_wei=_FUNDS_WEI) for sender in SENDERS}
    accounts[address_of(SENDERS[-1])] = GenesisAccount(balance_wei=10**6)
    for address in CONTRACTS:
        accounts[address] = GenesisAccount(
            nonce=1,
            balance_wei=random.choice((0, 1, 10**18)),
            code=program(random, others, fork),
            storage={slot: number(random) or 1 for slot in range(random.randrange(4))},
        )
    if random.random() < 0.5:
        delegation = b"\xef\x01\x00" + random.choice(CONTRACTS)
        accounts[address_of(SENDERS[1])] = GenesisAccount(balance_wei=_FUNDS_WEI, nonce=1, code=delegation)
    return accounts


class TransactionMaker:
    """Draws signed transactions. `nonce_of` reads the state as it is now."""

    def __init__(self, random: Random, fork: Fork, nonce_of: Callable[[Address], int]) -> None:
        self._random = random
        self._fork = fork
        self._nonce_of = nonce_of

    def draw(self) -> bytes:
        random = self._random
        sender = random.choices(SENDERS, (6, 6, 6, 6, 1))[0]
        kind = random.choices((0, 1, 2, 3, 4), (3, 2, 5, 1, 3))[0]
        fields: dict[str, Any] = {
            "chainId": CHAIN_ID,
            "nonce": self._nonce(sender),
            "gas": random.choices((21_000, 60_000, 100_000, 200_000, 400_000, 2_000_000), (1, 2, 4, 4, 4, 6))[
                0
            ],
            "value": random.choices((0, 1, 10**9, 10**21), (12, 4, 4, 1))[0],
            "data": self._data(),
            "to": self._to(may_create=kind < 3),
        }
        self._add_fees(fields, kind)
        if kind:
            fields["type"] = kind
            fields["accessList"] = self._access_list()
        if kind == 3:
            fields["blobVersionedHashes"] = [
                random.choices((b"\1", b"\2"), (20, 1))[0] + random.randbytes(31)
                for _ in range(random.choice((1, 1, 2, 6, 7)))
            ]
            fields["maxFeePerBlobGas"] = random.choice((1, 1, 10, 0))
        if kind == 4:
            fields["authorizationList"] = [self._authorization() for _ in range(random.randrange(1, 4))]
        if fields["to"] is None:
            del fields["to"]
            others = [*CONTRACTS, EMPTY]
            fields["data"] = initcode(random, others, self._fork)
        return bytes(sender.sign_transaction(fields).raw_transaction)

    def _nonce(self, sender: Any) -> int:
        nonce = self._nonce_of(address_of(sender))
        return nonce if self._random.random() > 0.03 else max(nonce + self._random.choice((-1, 1)), 0)

    def _add_fees(self, fields: dict[str, Any], kind: int) -> None:
        random = self._random
        choices = (BASE_FEE_WEI, BASE_FEE_WEI + 3, 100, BASE_FEE_WEI - 1)
        price = random.choices(choices, (5, 5, 10, 1))[0]
        if kind < 2:
            fields["gasPrice"] = price
        else:
            fields["maxFeePerGas"] = price
            fields["maxPriorityFeePerGas"] = random.choices((0, 1, 3, price, price + 1), (6, 6, 6, 6, 1))[0]

    def _to(self, *, may_create: bool) -> bytes | None:
        random = self._random
        if may_create and random.random() < 0.12:
            return None
        kind = random.randrange(20)
        if kind == 0:
            return random.choice(PRECOMPILES).to_bytes(20, "big")
        if kind == 1:
            return random.choice((EMPTY, COINBASE, Address(random.randbytes(20))))
        if kind in (2, 3):
            return address_of(random.choice(SENDERS))
        return random.choice(CONTRACTS)

    def _data(self) -> bytes:
        random = self._random
        if random.random() < 0.1:
            return precompile_input(random, random.choice(PRECOMPILES))
        return b"".join(number(random).to_bytes(32, "big") for _ in range(small(random) % 5))

    def _access_list(self) -> list[dict[str, Any]]:
        random = self._random
        return [
            {
                "address": to_checksum_address(random.choice((*CONTRACTS, EMPTY))),
                "storageKeys": [f"0x{slot:064x}" for slot in range(random.randrange(3))],
            }
            for _ in range(random.randrange(3))
        ]

    def _authorization(self) -> Any:
        random = self._random
        signer = random.choice(SENDERS)
        target = random.choice((*CONTRACTS, bytes(20), (1).to_bytes(20, "big"), address_of(signer)))
        return signer.sign_authorization(
            {
                "chainId": random.choice((0, CHAIN_ID, CHAIN_ID, CHAIN_ID, 2)),
                "address": to_checksum_address(target),
                # A sender that authorizes itself has raised its nonce already.
                "nonce": self._nonce_of(address_of(signer)) + random.choice((0, 0, 0, 1)),
            }
        )
