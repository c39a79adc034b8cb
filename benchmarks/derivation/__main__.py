"""How fast a follower with an empty directory derives a chain from its L1, and what its time goes to.

    OMP_NUM_THREADS=1 python -m benchmarks.derivation [--blocks 10000] [--transactions 2] [--directory DIR]

An anvil gets an L1 block for every six seconds of the chain's past, as Ethereum has for L2 blocks of 2 s. A
sequencer with batcher then makes up for that past, with so many transfers in each block as `--transactions`
says on average. When all of it is safe, a fresh verifier derives it: blocks per second of wall time and of
its CPU time. `--transactions 0` needs no sequencer: blocks of the L1's deposits alone are derived as the
sequencing windows end. With `--directory` a chain that was made is kept, and derived again by the next run.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.execution.workload import machine
from benchmarks.soak.processes import Node
from genesis.networks import DEV, DEV_BATCHER
from genesis.types import Address
from openledger_node.client.account import Account, TransactionFields, dev_account, dev_private_key
from openledger_node.client.errors import RemoteError, UnreachableError
from openledger_node.client.ethereum import Ethereum, hex_bytes
from openledger_node.client.rpc import HttpRpc
from openledger_node.node.dev_network import GENESIS_FILE, ROLLUP_FILE, prepare_dev_network
from openledger_node.node.keys import write_key
from tests.clients.programs import anvil

L1_BLOCK_S = 6
SENDERS = 8
GWEI = 10**9
POLL_S = 0.25
MINED_AT_ONCE = 500
"""More would outlast the time limit of a call on a busy machine."""

EMPTY_WINDOW = 10
"""L1 blocks of the sequencing window of a chain without a sequencer."""


async def _make(l1: Ethereum, directory: Path, window: int) -> None:
    """The contracts at the beginning of the past, and the L1 blocks of all of it."""
    await prepare_dev_network(l1, directory, DEV.block_time_s)
    rollup = json.loads((directory / ROLLUP_FILE).read_text())
    rollup["seq_window_size"] = window
    (directory / ROLLUP_FILE).write_text(json.dumps(rollup))
    missing_s = int(time.time()) - await l1.timestamp_s()
    for first in range(0, missing_s // L1_BLOCK_S, MINED_AT_ONCE):
        count = min(MINED_AT_ONCE, missing_s // L1_BLOCK_S - first)
        await l1.rpc.call("anvil_mine", hex(count), hex(L1_BLOCK_S))
    await l1.rpc.call("evm_setTime", int(time.time()))
    await l1.rpc.call("evm_setIntervalMining", 1)


async def _send(node: Node, account: Account, per_block: float, blocks: int) -> None:
    """Transfers of one account, as fast as the chain grows."""
    nonce = 0
    while True:
        due = int(per_block * min(blocks, await node.height("latest")) / SENDERS) + 16
        while nonce < due:
            fields = TransactionFields(
                31338, nonce, Address(nonce.to_bytes(20, "big")), 1, b"", 21_000, 10 * GWEI, 1
            )
            raw = hex_bytes(account.sign_transaction(fields))
            try:
                await node.rpc.call("eth_sendRawTransaction", raw)
            except (RemoteError, UnreachableError):
                break
            nonce += 1
        await asyncio.sleep(POLL_S)


async def _grow(node: Node, blocks: int, per_block: float) -> None:
    """Let the sequencer catch up until so many blocks are safe."""
    senders = [asyncio.create_task(_send(node, dev_account(i), per_block, blocks)) for i in range(SENDERS)]
    try:
        while (safe := await node.height("safe")) < blocks:
            print(f"\rsequencing: {safe} of {blocks} blocks are safe", end="", file=sys.stderr, flush=True)
            await asyncio.sleep(2)
    finally:
        for sender in senders:
            sender.cancel()


async def _derive(node: Node, blocks: int) -> dict[str, float]:
    """Wall and CPU seconds of a fresh verifier from its first answer to block `blocks`, starting up aside."""
    node.start()
    while await node.height("safe") < 0:
        await asyncio.sleep(POLL_S)
    begin_s, begin_cpu_s, first = time.monotonic(), node.cpu_s(), await node.height("safe")
    while (reached := await node.height("safe")) < blocks:
        print(f"\rderiving: block {reached} of {blocks}", end="", file=sys.stderr, flush=True)
        await asyncio.sleep(POLL_S)
    wall_s, cpu_s = time.monotonic() - begin_s, node.cpu_s() - begin_cpu_s
    print(file=sys.stderr)
    return {
        "blocks": reached - first,
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "blocks_per_wall_s": round((reached - first) / wall_s, 1),
        "blocks_per_cpu_s": round((reached - first) / cpu_s, 1),
    }


async def _measure(directory: Path, l1_url: str, blocks: int, per_block: float) -> None:
    async with HttpRpc(l1_url) as rpc:
        if not (directory / ROLLUP_FILE).exists():
            # The batches come long after their epochs; without any, each window ends soon.
            await _make(Ethereum(rpc), directory, 2 * blocks if per_block else EMPTY_WINDOW)
    files = [str(directory / ROLLUP_FILE), "--rollup.genesis", str(directory / GENESIS_FILE)]
    common = ["--rollup.config", *files, "--l1.url", l1_url]
    if per_block:
        await _sequence(directory, common, blocks, per_block)
    fresh = Node(f"fresh-{int(time.time())}", directory, [*common, "--role", "verifier"])
    try:
        print(json.dumps({"machine": machine(), **await _derive(fresh, blocks)}))
    finally:
        fresh.stop()
        await fresh.rpc.close()


async def _sequence(directory: Path, common: list[str], blocks: int, per_block: float) -> None:
    key = write_key(directory / "batcher.key", dev_private_key(DEV_BATCHER))
    roles = ["--role", "sequencer,batcher", "--keys.batcher", str(key), "--batcher.data", "calldata"]
    sequencer = Node("sequencer", directory, [*common, *roles]).start()
    try:
        await _grow(sequencer, blocks, per_block)
    finally:
        sequencer.stop()
        await sequencer.rpc.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=10_000)
    parser.add_argument("--transactions", type=float, default=2.0, help="on average in a block")
    parser.add_argument("--directory", type=Path)
    arguments = parser.parse_args()
    past_s = (arguments.blocks + L1_BLOCK_S * EMPTY_WINDOW) * DEV.block_time_s + 60
    with tempfile.TemporaryDirectory(prefix="derivation-") as temporary:
        directory = arguments.directory or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        state = ["--state", str(directory / "l1.json")] if arguments.directory else []
        began = ["--timestamp", str(int(time.time()) - past_s)]
        with anvil("--chain-id", "31337", *began, *state) as l1_url:
            asyncio.run(_measure(directory, l1_url, arguments.blocks, arguments.transactions))


if __name__ == "__main__":
    main()
