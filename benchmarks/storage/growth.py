"""How much disk a million transactions take, with all states kept and with the recent ones only.

    OMP_NUM_THREADS=1 python -m benchmarks.storage.growth [--transactions 30000] [--accounts 60000]

The same signed transactions go into two chains on LevelDB, one of each kind, on a genesis of many accounts:
half are transfers (every second one to a new account), half calls like a token's, which write two storage
words and a log. Blocks hold 200. Sizes are of the compacted database on disk; growth is that of the second
half, times a million over its transactions. CPU seconds are of importing, signatures included.
"""

import argparse
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.execution.workload import GWEI, machine
from genesis.account import GenesisAccount
from genesis.keccak import keccak256
from genesis.spec import ROLLUP_FEES, ChainSpec
from genesis.types import Address, Hash32, Wei
from openledger_node.chain.chain import Chain
from openledger_node.chain.statistics import store_statistics
from openledger_node.client.account import Account, TransactionFields
from openledger_node.evm.records import BlockInputs
from openledger_node.storage.leveldb import LevelDb

SPEC = ChainSpec(31338, is_rollup=True, block_gas_limit=30_000_000, fees=ROLLUP_FEES)
BLOCK_TRANSACTIONS = 200
SENDERS = 500
HOLDERS = 50_000
KEPT_STATES = 64
MILLION = 1_000_000
TOKEN = Address(b"\x70" * 20)
# sstore(word 0, word 1), sstore(word 2, word 3), log3(word 1; Transfer, word 0, word 2) of its calldata.
TRANSFER_TOPIC = keccak256(b"Transfer(address,address,uint256)")
TOKEN_CODE = (
    bytes.fromhex("60203560003555606035604035556020356000526040356000357f")
    + TRANSFER_TOPIC
    + bytes.fromhex("60206000a300")
)


@dataclass(frozen=True)
class Grown:
    """Bytes on disk at half and at the end, state among them uncompressed, and CPU seconds of all imports."""

    half_bytes: int
    end_bytes: int
    state_share: float
    cpu_s: float


def signed_blocks(count: int, dice: Random) -> list[list[bytes]]:
    """Raw transactions by block."""
    senders = [Account(keccak256(b"sender%d" % index)) for index in range(SENDERS)]
    nonces = [0] * SENDERS
    raws = []
    for index in range(count):
        who = index % SENDERS
        to, data = _content(index, dice)
        fields = TransactionFields(
            SPEC.chain_id, nonces[who], to, 0 if data else 1, data, 120_000, 1_000 * GWEI, GWEI
        )
        raws.append(senders[who].sign_transaction(fields))
        nonces[who] += 1
    return [raws[start : start + BLOCK_TRANSACTIONS] for start in range(0, count, BLOCK_TRANSACTIONS)]


def _content(index: int, dice: Random) -> tuple[Address, bytes]:
    if index % 2:
        words = [_holder(dice.randrange(HOLDERS)), dice.randbytes(10).rjust(32, b"\0")]
        words += [_holder(dice.randrange(HOLDERS)), dice.randbytes(10).rjust(32, b"\0")]
        return TOKEN, b"".join(words)
    return (Address(dice.randbytes(20)) if index % 4 else _filler(dice.randrange(10_000))), b""


def _holder(index: int) -> bytes:
    return keccak256(b"holder%d" % index)


def _filler(index: int) -> Address:
    return Address(keccak256(b"filler%d" % index)[:20])


def allocation(accounts: int) -> dict[Address, GenesisAccount]:
    rich = GenesisAccount(balance_wei=Wei(10**24))
    alloc = {Account(keccak256(b"sender%d" % index)).address: rich for index in range(SENDERS)}
    alloc |= {_filler(index): GenesisAccount(balance_wei=Wei(10**18 + index)) for index in range(accounts)}
    storage = {int.from_bytes(_holder(index), "big"): index + 1 for index in range(HOLDERS // 5)}
    return alloc | {TOKEN: GenesisAccount(nonce=1, code=TOKEN_CODE, storage=storage)}


def grow(
    directory: Path, blocks: list[list[bytes]], alloc: dict[Address, GenesisAccount], state_history: int
) -> Grown:
    """Import all blocks, each final at once."""
    store = LevelDb.open(directory)
    chain = Chain.open(SPEC, store, alloc, 1_000, state_history=state_history)
    half, cpu_s = 0, 0.0
    for number, raws in enumerate(blocks, 1):
        inputs = BlockInputs(
            timestamp_s=1_000 + 2 * number,
            prev_randao=Hash32(bytes(32)),
            fee_recipient=Address(b"\xfe" * 20),
            gas_limit=SPEC.block_gas_limit,
            parent_beacon_block_root=Hash32(bytes(32)),
            transactions=tuple(raws),
        )
        start_s = time.process_time()
        block = chain.import_block(inputs)
        cpu_s += time.process_time() - start_s
        assert all(receipt.succeeded for receipt in block.receipts)
        chain.set_heads(safe=block.header.hash, finalized=block.header.hash)
        if number == len(blocks) // 2:
            store.compact()
            half = _size_bytes(directory)
    kinds = store_statistics(store).kinds
    state = sum(kind.bytes for kind in kinds if kind.kind.startswith(("state", "codes", "counts")))
    store.compact()
    store.close()
    return Grown(half, _size_bytes(directory), state / sum(kind.bytes for kind in kinds), cpu_s)


def _size_bytes(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.iterdir())


def _rows(blocks: list[list[bytes]], alloc: dict[Address, GenesisAccount]) -> Iterator[str]:
    count = sum(map(len, blocks))
    for name, state_history in (("all states", 0), (f"{KEPT_STATES} states", KEPT_STATES)):
        with tempfile.TemporaryDirectory() as directory:
            grown = grow(Path(directory) / "chain", blocks, alloc, state_history)
        gigabytes = (grown.end_bytes - grown.half_bytes) / (count / 2) * MILLION / 1e9
        yield (
            f"{name:12} {grown.end_bytes / 1e6:8.1f} MB at the end, {grown.state_share:.0%} state; "
            f"{gigabytes:5.2f} GB per million transactions; {grown.cpu_s / count * 1_000:.3f} CPU ms each"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--transactions", type=int, default=30_000)
    parser.add_argument("--accounts", type=int, default=60_000)
    arguments = parser.parse_args()
    print(f"{machine()}; {shlex.join(['python', '-m', 'benchmarks.storage.growth', *sys.argv[1:]])}")
    blocks = signed_blocks(arguments.transactions, Random(1))
    print(f"{len(blocks)} blocks, {arguments.accounts} accounts at genesis")
    for row in _rows(blocks, allocation(arguments.accounts)):
        print(row, flush=True)


if __name__ == "__main__":
    main()
