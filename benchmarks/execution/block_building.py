"""How fast blocks are built and imported in process: our engine beside plain py-evm.

    OMP_NUM_THREADS=1 python -m benchmarks.execution.block_building [--blocks 3] [--rounds 2]

From signed bytes to a stored block, in memory, one thread, CPU time. Every subject runs in a process of its
own, so that none finds what another has decoded; subjects take turns, and the figure is the median block of
all rounds. All decode, recover senders, validate, execute, and compute state, transaction and receipt roots;
all chains end with equal state roots, which is checked.

- `py-evm`: `MiningChain.mine_all` of py-evm's Prague.
- `build`: fill and hash a block.
- `build, verify, store`: what the sequencer does, which executes every block again before it stores it.
- `import`: what a follower does with the encoded blocks, checks of the header included.
"""

import argparse
import multiprocessing
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth.chains.base import MiningChain
from eth.consensus.noproof import NoProofConsensus
from eth.constants import ZERO_ADDRESS, ZERO_HASH32
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM

from benchmarks.execution.workload import WORKLOADS, Workload, allocation, machine
from genesis.spec import DEV_L1_CHAIN_ID, ETHEREUM_FEES, ChainSpec
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.evm.blocks import encode_block
from openledger_node.evm.records import BlockInputs
from openledger_node.storage.keyvalue import MemoryKeyValue
from sequencer.ports import Included

GENESIS_TIME_S = 1_700_000_000
BLOCK_TIME_S = 12
COINBASE = Address(b"\xfe" * 20)
WARM_UP_BLOCKS = 1
PEER = "py-evm"
BUILD, STORE, IMPORT = "build", "build, verify, store", "import"
SUBJECTS = (PEER, BUILD, STORE, IMPORT)
Blocks = list[list[bytes]]


@dataclass(frozen=True)
class Measured:
    """CPU seconds and gas of each block after the first; the last state root."""

    seconds: list[float]
    gas: list[int]
    state_root: bytes


def our_chain(gas_limit: int) -> Chain:
    spec = ChainSpec(DEV_L1_CHAIN_ID, is_rollup=False, block_gas_limit=gas_limit, fees=ETHEREUM_FEES)
    return Chain.open(spec, MemoryKeyValue(), allocation(), GENESIS_TIME_S)


def inputs(number: int, gas_limit: int) -> BlockInputs:
    return BlockInputs(
        timestamp_s=GENESIS_TIME_S + number * BLOCK_TIME_S,
        prev_randao=Hash32(ZERO_HASH32),
        fee_recipient=COINBASE,
        gas_limit=gas_limit,
        parent_beacon_block_root=Hash32(ZERO_HASH32),
    )


def build(blocks: Blocks, gas_limit: int) -> tuple[list[float], Chain]:
    """Storing is not counted."""
    chain, took_s = our_chain(gas_limit), []
    for number, raws in enumerate(blocks, start=1):
        parent = chain.head.header
        started_s = time.process_time()
        execution = chain.engine.begin_block(parent, inputs(number, gas_limit), parent.state_root)
        for raw in raws:
            execution.add(raw)
        execution.seal()
        took_s.append(time.process_time() - started_s)
        chain.import_block(replace(inputs(number, gas_limit), transactions=tuple(raws)))
    return took_s, chain


def build_verify_store(blocks: Blocks, gas_limit: int) -> tuple[list[float], Chain]:
    chain, took_s = our_chain(gas_limit), []
    for number, raws in enumerate(blocks, start=1):
        started_s = time.process_time()
        block = chain.open_block(inputs(number, gas_limit))
        for raw in raws:
            assert isinstance(block.try_transaction(raw), Included)
        block.seal()
        took_s.append(time.process_time() - started_s)
    return took_s, chain


def import_encoded(encoded: Sequence[bytes], gas_limit: int) -> tuple[list[float], Chain]:
    chain, took_s = our_chain(gas_limit), []
    for block in encoded:
        started_s = time.process_time()
        chain.import_encoded(block)
        took_s.append(time.process_time() - started_s)
    return took_s, chain


def ours(subject: str, blocks: Blocks, encoded: Sequence[bytes], gas_limit: int) -> Measured:
    if subject == BUILD:
        took_s, chain = build(blocks, gas_limit)
    elif subject == STORE:
        took_s, chain = build_verify_store(blocks, gas_limit)
    else:
        took_s, chain = import_encoded(encoded, gas_limit)
    headers = [chain.header_by_number(number) for number in range(1, len(blocks) + 1)]
    gas = [header.gas_used for header in headers if header is not None]
    return Measured(took_s[WARM_UP_BLOCKS:], gas[WARM_UP_BLOCKS:], chain.head.header.state_root)


def py_evm(blocks: Blocks, gas_limit: int) -> Measured:
    """A py-evm chain without proof of work."""
    vm = PragueVM.configure(consensus_class=NoProofConsensus)
    chain_class = MiningChain.configure(vm_configuration=((0, vm),), chain_id=DEV_L1_CHAIN_ID)
    genesis: dict[str, Any] = {
        "difficulty": 0,
        "gas_limit": gas_limit,
        "timestamp": GENESIS_TIME_S,
        "coinbase": ZERO_ADDRESS,
        "base_fee_per_gas": ETHEREUM_FEES.initial_base_fee_wei,
    }
    state = {
        address: {
            "balance": account.balance_wei,
            "nonce": account.nonce,
            "code": account.code,
            "storage": dict(account.storage),
        }
        for address, account in allocation().items()
    }
    chain = chain_class.from_genesis(AtomicDB(), genesis, state)
    took_s, gas = [], []
    for number, raws in enumerate(blocks, start=1):
        chain.header = chain.header.copy(
            timestamp=GENESIS_TIME_S + number * BLOCK_TIME_S, coinbase=COINBASE, gas_limit=gas_limit
        )
        started_s = time.process_time()
        decode = chain.get_vm().get_transaction_builder().decode
        chain.mine_all([decode(raw) for raw in raws])
        took_s.append(time.process_time() - started_s)
        gas.append(chain.get_canonical_head().gas_used)
    root = bytes(chain.get_canonical_head().state_root)
    return Measured(took_s[WARM_UP_BLOCKS:], gas[WARM_UP_BLOCKS:], root)


def _measure(subject: str, blocks: Blocks, encoded: Sequence[bytes], gas_limit: int) -> Measured:
    return py_evm(blocks, gas_limit) if subject == PEER else ours(subject, blocks, encoded, gas_limit)


def _encoded(blocks: Blocks, gas_limit: int) -> list[bytes]:
    _, chain = build_verify_store(blocks, gas_limit)
    found = [chain.block_by_number(number) for number in range(1, len(blocks) + 1)]
    return [
        encode_block(block.header, tuple(item.raw for item in block.transactions))
        for block in found
        if block is not None
    ]


def measure(workload: Workload, blocks: int, rounds: int) -> dict[str, Measured]:
    """Every subject, each round in a process of its own."""
    count = workload.block_count
    signed = workload.make(DEV_L1_CHAIN_ID, count * (blocks + WARM_UP_BLOCKS), 0)
    bodies = [signed[begin : begin + count] for begin in range(0, len(signed), count)]
    encoded = _encoded(bodies, workload.gas_limit)
    found: dict[str, Measured] = {}
    for _ in range(rounds):
        for subject in SUBJECTS:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                new = pool.apply(_measure, (subject, bodies, encoded, workload.gas_limit))
            old = found.get(subject, Measured([], [], new.state_root))
            found[subject] = Measured(old.seconds + new.seconds, old.gas + new.gas, new.state_root)
    assert len({item.state_root for item in found.values()}) == 1, "the engines disagree"
    return found


def rate(workload: Workload, measured: Measured) -> float:
    """Per CPU second, in the workload's unit."""
    each = [
        (gas / 1e6 if workload.unit == "Mgas/s" else workload.block_count) / seconds
        for seconds, gas in zip(measured.seconds, measured.gas, strict=True)
    ]
    return statistics.median(each)


def report(blocks: int, rounds: int) -> None:
    print("In process, per CPU second; in brackets: of py-evm\n")
    print("| workload | " + " | ".join(SUBJECTS) + " | import / sequencer |")
    print("| --- |" + " --: |" * (len(SUBJECTS) + 1))
    for workload in WORKLOADS.values():
        found = measure(workload, blocks, rounds)
        rates = {subject: rate(workload, found[subject]) for subject in SUBJECTS}
        cells = [f"{rates[PEER]:.1f} {workload.unit}"]
        cells += [f"{rates[name]:.1f} ({rates[name] / rates[PEER]:.1f})" for name in SUBJECTS[1:]]
        print(f"| {workload.name} | " + " | ".join(cells) + f" | {rates[IMPORT] / rates[STORE]:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    print(f"command: python -m benchmarks.execution.block_building {shlex.join(sys.argv[1:])}")
    print(f"machine: {machine()}\n")
    report(arguments.blocks, arguments.rounds)


if __name__ == "__main__":
    main()
