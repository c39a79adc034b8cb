"""What every subject of the execution benchmarks gets: signed transactions and the accounts they need."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from coincurve import PrivateKey

from genesis.account import GenesisAccount
from genesis.contracts.artifact import read_artifact
from genesis.keccak import keccak256
from genesis.networks import DEV_ACCOUNT_COUNT, DEV_BALANCE_WEI
from genesis.types import Address, Wei
from openledger_node.client.account import dev_account, dev_private_key
from openledger_node.evm.rlp_codec import Item, encode, uint

GWEI = 10**9
TRANSFER_GAS = 21_000
TOKEN_TRANSFER_GAS_LIMIT = 60_000
LOOP_GAS = 1_000_000
RECIPIENTS = 1_000
MAXIMUM_FEE_WEI = 1_000 * GWEI
"""Enough for many full blocks in a row, each of which may raise the base fee by an eighth."""
ACCOUNTS = tuple(dev_account(index).address for index in range(DEV_ACCOUNT_COUNT))
TOKEN = Address(b"\x70" * 20)
TOKEN_BALANCE = 10**24
_BALANCES_SLOT = 0
_TRANSFER = keccak256(b"transfer(address,uint256)")[:4]
_ARTIFACTS = Path(__file__).parents[2] / "rollup_bridge" / "contracts" / "artifacts"


def recipient(index: int) -> Address:
    return Address(keccak256((index % RECIPIENTS).to_bytes(4))[12:])


@cache
def _key(index: int) -> PrivateKey:
    return PrivateKey(dev_private_key(index))


def _sign(
    chain_id: int, index: int, first_nonces: int, to: Address, *, gas: int, value: int = 0, data: bytes = b""
) -> bytes:
    """From the ten published accounts in turn. Ten times faster than a wallet's library."""
    nonce = first_nonces + index // DEV_ACCOUNT_COUNT
    numbers = (chain_id, nonce, GWEI, MAXIMUM_FEE_WEI, gas)
    fields: list[Item] = [*map(uint, numbers), to, uint(value), data, []]
    signature = _key(index % DEV_ACCOUNT_COUNT).sign_recoverable(
        keccak256(b"\2" + encode(fields)), hasher=None
    )
    r, s = (uint(int.from_bytes(signature[start : start + 32], "big")) for start in (0, 32))
    return b"\2" + encode([*fields, uint(signature[64]), r, s])


def transfers(chain_id: int, count: int, first_nonces: int = 0) -> list[bytes]:
    """`count` type-2 transfers of 1 wei to 1,000 recipients; a multiple of ten."""
    return [
        _sign(chain_id, index, first_nonces, recipient(index), value=1, gas=TRANSFER_GAS)
        for index in range(count)
    ]


def token_transfers(chain_id: int, count: int, first_nonces: int = 0) -> list[bytes]:
    """`count` ERC-20 transfers of one unit to 1,000 recipients."""
    return [
        _sign(
            chain_id,
            index,
            first_nonces,
            TOKEN,
            gas=TOKEN_TRANSFER_GAS_LIMIT,
            data=_TRANSFER + recipient(index).rjust(32, b"\0") + (1).to_bytes(32, "big"),
        )
        for index in range(count)
    ]


def _loop(body: str, gas_of_body: int) -> bytes:
    """Code that runs `body`, which keeps the counter on top, until a million gas is nearly used."""
    rounds = (LOOP_GAS - TRANSFER_GAS - 1_000) // (gas_of_body + 26)
    # PUSH3 rounds; JUMPDEST; body; PUSH1 1; SWAP1; SUB; DUP1; PUSH1 4; JUMPI; STOP
    return bytes.fromhex(f"62{rounds:06x}5b{body}60019003806004" + "5700")


LOOPS: Mapping[str, tuple[Address, bytes]] = {
    # DUP1 DUP1 MUL PUSH1 7 ADD DUP2 XOR POP
    "arith": (Address(b"\x71" * 20), _loop("808002600701811850", 25)),
    # PUSH1 64 PUSH0 KECCAK256 PUSH0 MSTORE
    "hash": (Address(b"\x72" * 20), _loop("60405f205f52", 52)),
    # PUSH4 modulus DUP2 DUP1 MULMOD POP
    "mulmod": (Address(b"\x73" * 20), _loop("63fffffffb81800950", 19)),
}


def loops(name: str) -> Callable[[int, int, int], list[bytes]]:
    """Calls of one loop contract, a million gas each."""
    to, _ = LOOPS[name]

    def make(chain_id: int, count: int, first_nonces: int = 0) -> list[bytes]:
        return [_sign(chain_id, index, first_nonces, to, gas=LOOP_GAS) for index in range(count)]

    return make


def contracts() -> dict[Address, GenesisAccount]:
    """The token with everyone's balance, and the loops."""
    token = read_artifact(_ARTIFACTS, "OpenToken").deployed_bytecode
    storage = {balance_slot(owner): TOKEN_BALANCE for owner in ACCOUNTS}
    found = {to: GenesisAccount(nonce=1, code=code) for to, code in LOOPS.values()}
    return {TOKEN: GenesisAccount(nonce=1, code=token, storage=storage), **found}


def allocation() -> dict[Address, GenesisAccount]:
    """Contracts and funded accounts."""
    rich = {owner: GenesisAccount(balance_wei=Wei(DEV_BALANCE_WEI)) for owner in ACCOUNTS}
    return {**contracts(), **rich}


def balance_slot(owner: Address) -> int:
    """Where the token keeps a balance."""
    return int.from_bytes(keccak256(owner.rjust(32, b"\0") + _BALANCES_SLOT.to_bytes(32, "big")), "big")


@dataclass(frozen=True)
class Workload:
    """`make(chain id, count, first nonces)` signs. `block_count` transactions fill a block of `gas_limit`;
    `unit` says in what the result is given."""

    name: str
    make: Callable[[int, int, int], list[bytes]]
    block_count: int
    gas_limit: int
    unit: str = "tx/s"


WORKLOADS = {
    item.name: item
    for item in (
        Workload("transfers", transfers, 1_000, 1_000 * TRANSFER_GAS),
        Workload("ERC-20 transfers", token_transfers, 1_000, 1_000 * TOKEN_TRANSFER_GAS_LIMIT),
        *(Workload(name, loops(name), 2, 2 * LOOP_GAS, "Mgas/s") for name in LOOPS),
    )
}


def machine() -> str:
    """The processor, how many of it, and the interpreter."""
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cpu = f"{len(models)} x {models[0]}" if models else platform.machine()
    return f"{cpu}, {platform.python_implementation()} {platform.python_version()}"
