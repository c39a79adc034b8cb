"""How long a block of a workload takes: built, sealed and written, on a cold state in LevelDB.

CPU time of this process, the least of a few runs; what an empty block takes is subtracted. Each run has a
node cache of its own, so state is read from the store.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account

from benchmarks.precompiles.workload import CONTRACT, Sent, Workload
from genesis.account import GenesisAccount
from genesis.forks import ForkSchedule
from genesis.spec import ROLLUP_FEES, ChainSpec
from genesis.types import Address, Hash32
from openledger_node.chain.genesis import genesis_block
from openledger_node.chain.natives import native_precompiles
from openledger_node.evm.engine import Engine
from openledger_node.evm.records import BlockInputs, Header
from openledger_node.storage.leveldb import LevelDb

CHAIN_ID = 31338
_SENDER = Account.from_key(b"\x01" * 32)
_GWEI = 10**9
_START_TIME_S = 1_000


@dataclass(frozen=True)
class Measured:
    """`seconds_per_block` is scaled from `gas_used` to the block gas limit."""

    workload: Workload
    gas_used: int
    seconds: float
    seconds_per_block: float

    @property
    def megagas_per_second(self) -> float:
        return self.gas_used / self.seconds / 1e6


class _Parent:
    """The header source of a chain of one block."""

    def __init__(self, header: Header) -> None:
        self.header = header

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return self.header if block_hash == self.header.hash else None


def measure(workload: Workload, schedule: ForkSchedule, block_gas: int, runs: int) -> Measured:
    spec = ChainSpec(CHAIN_ID, is_rollup=True, block_gas_limit=block_gas, fees=ROLLUP_FEES)
    sender = Address(bytes.fromhex(_SENDER.address[2:]))
    allocation = {sender: GenesisAccount(balance_wei=10**30), **workload.accounts()}
    raw = _signed(workload.transactions(workload.sample_gas))
    with tempfile.TemporaryDirectory() as folder:
        store = LevelDb.open(Path(folder) / "state")
        genesis = genesis_block(spec, allocation, _START_TIME_S, schedule)
        store.write(genesis.state_writes)
        parent = genesis.block.header
        samples = [_run(spec, store, parent, schedule, raw) for _ in range(runs)]
        empty = min(_run(spec, store, parent, schedule, ())[1] for _ in range(runs))
        store.close()
    gas_used = samples[0][0]
    seconds = max(min(sample for _, sample in samples) - empty, 1e-9)
    return Measured(workload, gas_used, seconds, seconds * block_gas / gas_used)


def _run(
    spec: ChainSpec, store: LevelDb, parent: Header, schedule: ForkSchedule, raw: Sequence[bytes]
) -> tuple[int, float]:
    """Gas used and CPU seconds."""
    engine = Engine(spec, store, _Parent(parent), native_precompiles(), schedule)
    inputs = BlockInputs(
        timestamp_s=parent.timestamp_s + 2,
        prev_randao=Hash32(bytes(32)),
        fee_recipient=Address(b"\xc0" * 20),
        gas_limit=10**9,
        parent_beacon_block_root=Hash32(bytes(32)),
        transactions=tuple(raw),
    )
    start = time.process_time()
    executed = engine.execute_block(parent, inputs)
    store.write([(key + b"measured", value) for key, value in executed.state_writes])
    return executed.block.header.gas_used, time.process_time() - start


def _signed(transactions: Sequence[Sent]) -> list[bytes]:
    return [_sign(nonce, sent) for nonce, sent in enumerate(transactions)]


def _sign(nonce: int, sent: Sent) -> bytes:
    fields: dict[str, object] = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "gas": sent.gas,
        "maxFeePerGas": 100 * _GWEI,
        "maxPriorityFeePerGas": _GWEI,
        "to": CONTRACT,
        "value": 0,
        "data": b"",
        **sent.fields,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    return bytes(_SENDER.sign_transaction(given).raw_transaction)
