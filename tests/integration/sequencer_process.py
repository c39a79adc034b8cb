"""A sequencer over its store in a process of its own, under load, that dies at a chosen point.

Lean: the node's own chain, LevelDB, lane, mempool with journal and block loop, without L1, JSON-RPC and
children. All are forked from a server that has imported everything and opened nothing, so that a start costs
what the node does and not what Python does.
"""

import asyncio
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from genesis.alloc import l1_dev_allocation
from genesis.networks import DEV_ACCOUNT_COUNT, DEV_BALANCE_WEI, dev_l1_spec
from genesis.types import Address, Wei
from openledger_node.chain.chain import Chain
from openledger_node.chain.ethereum_block_maker import EthereumBlockMaker
from openledger_node.chain.records import HeadChange
from openledger_node.client.account import TransactionFields, dev_account
from openledger_node.logs import configure
from openledger_node.node.ethereum import ConfirmationHeads
from openledger_node.node.execution import Execution, open_execution_on
from openledger_node.storage.keyvalue import KeyValue
from sequencer.builder.budget import BuildLimits
from sequencer.errors import AdmissionError
from sequencer.loop import SequencerLoop
from sequencer.mempool.limits import PoolLimits

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])
STATE_HISTORY = 64
BLOCK_S = 0.04
GENESIS_TIME_S = 1_000_000
# Stores the block's number at the slot its calldata names: number, calldataload(0), sstore. And its creation.
RUNTIME = bytes.fromhex("4360003555")
INITCODE = bytes.fromhex("64") + RUNTIME + bytes.fromhex("6000526005601bf3")


@dataclass(frozen=True)
class KillPoint:
    """Die before or after the write of this number, counted from the start; never if None."""

    write: int | None = None
    after: bool = False


class DyingStore:
    """A store whose process is killed at a write: before any of it, or when all of it is on disk."""

    def __init__(self, store: KeyValue, point: KillPoint) -> None:
        self._store = store
        self._point = point
        self._writes = 0
        self.get = store.get
        self.scan = store.scan
        self.close = store.close

    def write(
        self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = (), *, sync: bool = True
    ) -> None:
        dies = self._writes == self._point.write
        self._writes += 1
        if dies and not self._point.after:
            os.kill(os.getpid(), signal.SIGKILL)
        self._store.write(puts, deletes, sync=sync)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)


class HurriedClock:
    """Time in which a second of the chain, the least between blocks, takes `BLOCK_S`."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()

    def now_s(self) -> float:
        return GENESIS_TIME_S + (time.monotonic() - self._start_s) / BLOCK_S

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * BLOCK_S)


def open_chain(store: KeyValue, state_history: int | None = STATE_HISTORY) -> Chain:
    balances = {dev_account(index).address: Wei(DEV_BALANCE_WEI) for index in range(DEV_ACCOUNT_COUNT)}
    alloc = l1_dev_allocation(balances)
    return Chain.open(dev_l1_spec(), store, alloc, GENESIS_TIME_S, state_history=state_history)


async def run_sequencer(directory: Path, point: KillPoint, tell: Callable[[dict[str, Any]], None]) -> None:
    """Build blocks under load until killed; every new block is told as soon as readers can see it."""
    start_s = time.monotonic()
    async with open_execution_on(
        lambda store: open_chain(DyingStore(store, point)), directory, HurriedClock(), pool=PoolLimits()
    ) as execution:
        chain = execution.chain
        tell({"ready_s": time.monotonic() - start_s, "head": chain.heads.unsafe.number})
        chain.subscribe(lambda change: _announce(change, tell))
        maker = EthereumBlockMaker(
            chain, execution.lane, execution.clock, block_time_s=1, fee_recipient=Address(b"\xc0" * 20)
        )
        loop = SequencerLoop(
            maker=maker,
            pool=execution.pool.pool,
            clock=execution.clock,
            lane=execution.lane,
            next_due_s=maker.next_due_s,
            limits=BuildLimits(fill_time_s=0.5),
            listener=ConfirmationHeads(execution),
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(loop.run())
            group.create_task(_load(execution))


def _announce(change: HeadChange, tell: Callable[[dict[str, Any]], None]) -> None:
    for block in change.added:
        transactions = [transaction.hash.hex() for transaction in block.transactions]
        tell({"number": block.header.number, "hash": block.header.hash.hex(), "transactions": transactions})


async def _load(execution: Execution) -> None:
    """Transfers, creations and storage writes from every account, as fast as they are taken."""
    dice, contract = random.Random(), Address(b"\x01" * 20)
    accounts = [dev_account(index) for index in range(DEV_ACCOUNT_COUNT)]
    while True:
        for account in accounts:
            nonce = execution.pool.next_nonce(account.address)
            to, data = _content(dice, contract)
            fields = TransactionFields(
                execution.chain.spec.chain_id, nonce, to, dice.randrange(2), data, 200_000, 10**12, 10**9
            )
            try:
                await execution.pool.submit(account.sign_transaction(fields))
            except AdmissionError:
                await asyncio.sleep(BLOCK_S)
        contract = _newest_contract(execution.chain) or contract
        await asyncio.sleep(BLOCK_S / 4)


def _content(dice: random.Random, contract: Address) -> tuple[Address | None, bytes]:
    match dice.randrange(4):
        case 0:
            return None, INITCODE
        case 1:
            return Address(dice.randbytes(20)), b""
        case _:
            return contract, dice.randrange(20).to_bytes(32, "big")


def _newest_contract(chain: Chain) -> Address | None:
    created = (receipt.contract_address for receipt in chain.head.receipts)
    return next((address for address in created if address is not None), None)


class Sequencer:
    """A sequencer in a process of its own; `told` are its announcements so far."""

    def __init__(self, directory: Path, point: KillPoint) -> None:
        self._reader, writer = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_main, args=(directory, point, writer), daemon=True)
        self._process.start()
        writer.close()
        self.told: list[dict[str, Any]] = []
        self._hear()

    def kill_after(self, blocks: int, delay_s: float) -> None:
        """SIGKILL some time after so many blocks."""
        while len(self.told) <= blocks and self._hear():
            pass
        time.sleep(delay_s)
        self._process.kill()

    def await_death(self) -> None:
        """Hear it out; fails if it ended by itself."""
        while self._hear():
            pass
        self._reader.close()
        self._process.join()
        assert self._process.exitcode == -signal.SIGKILL

    def _hear(self) -> bool:
        try:
            self.told.append(self._reader.recv())
        except EOFError:  # what was being said at the end was never told
            return False
        return True


def _main(directory: Path, point: KillPoint, writer: "Connection[dict[str, Any], Any]") -> None:
    configure("warning", "console")
    asyncio.run(run_sequencer(directory, point, writer.send))
