"""Transfers per second of building blocks in process: our engine beside plain py-evm.

    OMP_NUM_THREADS=1 python -m benchmarks.execution.block_building [--blocks 3] [--transfers 1000]

From signed bytes to a stored block, in memory, one thread, CPU time, median block. Both decode, recover
senders, validate, execute, and compute state, transaction and receipt roots; both chains end with equal state
roots, which is checked. Ours is timed twice, with different transactions: `build` fills and hashes a block,
`build and store` is what the sequencer does, which executes every block again before it stores it.
"""

import argparse
import shlex
import statistics
import sys
import time
from dataclasses import replace
from typing import Any

from eth.chains.base import MiningChain
from eth.consensus.noproof import NoProofConsensus
from eth.constants import ZERO_ADDRESS, ZERO_HASH32
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM

from benchmarks.execution.workload import TRANSFER_GAS, machine, transfers
from genesis.account import GenesisAccount
from genesis.networks import DEV_ACCOUNT_COUNT, DEV_BALANCE_WEI
from genesis.spec import DEV_L1_CHAIN_ID, ETHEREUM_FEES, ChainSpec
from genesis.types import Address, Hash32, Wei
from openledger_node.chain.chain import Chain
from openledger_node.client.account import dev_account
from openledger_node.evm.records import BlockInputs
from openledger_node.storage.keyvalue import MemoryKeyValue
from sequencer.ports import Included

GENESIS_TIME_S = 1_700_000_000
BLOCK_TIME_S = 12
COINBASE = Address(b"\xfe" * 20)
WARM_UP_BLOCKS = 1
ACCOUNTS = [dev_account(i).address for i in range(DEV_ACCOUNT_COUNT)]


def our_chain(gas_limit: int) -> Chain:
    spec = ChainSpec(DEV_L1_CHAIN_ID, is_rollup=False, block_gas_limit=gas_limit, fees=ETHEREUM_FEES)
    alloc = {address: GenesisAccount(balance_wei=Wei(DEV_BALANCE_WEI)) for address in ACCOUNTS}
    return Chain.open(spec, MemoryKeyValue(), alloc, GENESIS_TIME_S)


def inputs(number: int, gas_limit: int) -> BlockInputs:
    return BlockInputs(
        timestamp_s=GENESIS_TIME_S + number * BLOCK_TIME_S,
        prev_randao=Hash32(ZERO_HASH32),
        fee_recipient=COINBASE,
        gas_limit=gas_limit,
        parent_beacon_block_root=Hash32(ZERO_HASH32),
    )


def build(blocks: list[list[bytes]], gas_limit: int) -> list[float]:
    """CPU seconds of filling and hashing each block; storing it is not counted."""
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
    return took_s


def build_and_store(blocks: list[list[bytes]], gas_limit: int) -> tuple[list[float], bytes]:
    """CPU seconds of each block of the sequencer's way; the last state root."""
    chain, took_s = our_chain(gas_limit), []
    for number, raws in enumerate(blocks, start=1):
        started_s = time.process_time()
        block = chain.open_block(inputs(number, gas_limit))
        for raw in raws:
            assert isinstance(block.try_transaction(raw), Included)
        block.seal()
        took_s.append(time.process_time() - started_s)
    return took_s, chain.head.header.state_root


def stock(blocks: list[list[bytes]], gas_limit: int) -> tuple[list[float], bytes]:
    """CPU seconds of each block of a py-evm chain without proof of work; the last state root."""
    vm = PragueVM.configure(consensus_class=NoProofConsensus)
    chain_class = MiningChain.configure(vm_configuration=((0, vm),), chain_id=DEV_L1_CHAIN_ID)
    genesis: dict[str, Any] = {
        "difficulty": 0,
        "gas_limit": gas_limit,
        "timestamp": GENESIS_TIME_S,
        "coinbase": ZERO_ADDRESS,
        "base_fee_per_gas": ETHEREUM_FEES.initial_base_fee_wei,
    }
    account = {"balance": DEV_BALANCE_WEI, "nonce": 0, "code": b"", "storage": {}}
    chain = chain_class.from_genesis(AtomicDB(), genesis, dict.fromkeys(ACCOUNTS, account))
    took_s = []
    for number, raws in enumerate(blocks, start=1):
        chain.header = chain.header.copy(
            timestamp=GENESIS_TIME_S + number * BLOCK_TIME_S, coinbase=COINBASE, gas_limit=gas_limit
        )
        started_s = time.process_time()
        decode = chain.get_vm().get_transaction_builder().decode
        chain.mine_all([decode(raw) for raw in raws])
        took_s.append(time.process_time() - started_s)
    return took_s, bytes(chain.get_canonical_head().state_root)


def signed_blocks(blocks: int, count: int, value_wei: int) -> list[list[bytes]]:
    signed = transfers(DEV_L1_CHAIN_ID, count * (blocks + WARM_UP_BLOCKS), 0, value_wei)
    return [signed[begin : begin + count] for begin in range(0, len(signed), count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--transfers", type=int, default=1_000, help="per block, a multiple of 10")
    arguments = parser.parse_args()
    count, gas_limit = arguments.transfers, arguments.transfers * TRANSFER_GAS
    blocks = signed_blocks(arguments.blocks, count, value_wei=1)
    stock_s, stock_root = stock(blocks, gas_limit)
    whole_s, our_root = build_and_store(blocks, gas_limit)
    build_s = build(signed_blocks(arguments.blocks, count, value_wei=2), gas_limit)
    assert our_root == stock_root, "the two engines disagree"
    print(f"command: python -m benchmarks.execution.block_building {shlex.join(sys.argv[1:])}")
    print(f"machine: {machine()}")
    print("| engine | transfers/s | CPU ms a block | of py-evm |\n| --- | --: | --: | --: |")
    peer_s = statistics.median(stock_s[WARM_UP_BLOCKS:])
    for name, taken_s in (("py-evm", stock_s), ("ours, build", build_s), ("ours, build and store", whole_s)):
        block_s = statistics.median(taken_s[WARM_UP_BLOCKS:])
        print(f"| {name} | {count / block_s:.0f} | {block_s * 1_000:.0f} | {peer_s / block_s:.2f} |")


if __name__ == "__main__":
    main()
