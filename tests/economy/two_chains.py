"""Both chains in one process, small enough for a state machine: L1 with its contracts, L2 on a disk.

L2 blocks are made as in production: the sequencer's loop, pool and builder, attributes derived from the L1,
two executions. Only the network around them is missing: no RPC, no batcher, and outputs are proposed by hand.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from functools import cached_property
from pathlib import Path
from typing import Any

from eth_account import Account as EthAccount
from eth_utils.address import to_checksum_address

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.policy import Policy
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32, Wei
from openledger_node.chain.chain import Chain
from openledger_node.chain.pool_view import PoolView, pooled
from openledger_node.clock import SteeredClock
from openledger_node.evm.account_leaf import decode_account
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.records import Block, CallRequest, Receipt
from openledger_node.evm.state_difference import state_difference
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.node.l2_block_maker import RollupBlockMaker
from openledger_node.node.l2_engine import to_l2_block
from openledger_node.node.lane import ExecutionLane
from openledger_node.storage.leveldb import LevelDb
from rollup_bridge.derive.attributes import SequencerAttributes
from rollup_bridge.derive.references import reference
from rollup_bridge.ports import OutputParts
from rollup_bridge.proposer.output_root import output_root
from rollup_bridge.withdrawals.withdrawal import Withdrawal, message_passer_slot, withdrawal_hash
from sequencer.builder.budget import BuildLimits
from sequencer.loop import Sealed, SequencerLoop
from sequencer.mempool.pool import Pool
from tests.contracts.rollup import DEPLOYER, parameters
from tests.economy.network import FINALIZATION_S, OUTPUT_INTERVAL, EmbeddedSource, found_network
from tests.precompiles.calls import Account

GWEI = 10**9
GAS = 14_000_000
FUNDS_WEI = 1_000_000 * OPEN_UNIT


class StandingClock:
    """Time that only the loop turns."""

    def __init__(self, now_s: float) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits {seconds} s here")


@dataclasses.dataclass(frozen=True)
class Leaving:
    """A withdrawal and the L2 block it started in."""

    withdrawal: Withdrawal
    l2_number: int


class TwoChains:
    """`send` and `force` put one transaction into the next block and build it."""

    def __init__(self, directory: Path, people: list[Account], policy: Policy) -> None:
        self._directory = directory
        balances = {each.address: Wei(FUNDS_WEI) for each in people}
        network = found_network(balances, policy)
        self.genesis, self.spec, self.config = network.genesis, network.spec, network.config
        self.machine, self.l1 = network.machine, network.l1
        self.on_block: Callable[[Block], None] = lambda _: None
        """Told of every block of the L2."""
        self._event_loop = asyncio.new_event_loop()
        self._lane = ExecutionLane()
        self._open()
        self.catch_up()

    def _open(self) -> None:
        """What a node makes when it starts."""
        self._store = LevelDb.open(self._directory)
        self.chain = Chain.open(self.spec, self._store, self.genesis.accounts, self.genesis.timestamp_s)
        self._clock = SteeredClock(StandingClock(self.chain.head.header.timestamp_s))
        self._view = PoolView(self.chain)
        self._pool = Pool(self._view)
        maker = RollupBlockMaker(
            chain=self.chain,
            lane=self._lane,
            attributes=SequencerAttributes(self.config, EmbeddedSource(self.machine)),
            clock=self._clock,
            block_time_s=self.config.block_time_s,
            request_reset=self._refuse_reset,
            caught_up=lambda: True,
        )
        self._maker = maker
        self._loop = SequencerLoop(
            maker=maker,
            pool=self._pool,
            clock=self._clock,
            lane=self._lane,
            next_due_s=maker.next_due_s,
            limits=BuildLimits(fill_time_s=60.0),
            listener=self,
        )

    @staticmethod
    def _refuse_reset() -> None:
        raise AssertionError("the L1 does not reorganise here")

    async def on_sealed(self, sealed: Sealed) -> None:
        """The pool follows the chain, as in `PoolService`."""
        self._view.move_to_head()
        self._pool.on_new_head(self._clock.now_s(), None)
        self.on_block(self.chain.head)

    def restart(self) -> None:
        """Close the chain and open it again from disk; what waited in the pool is gone."""
        head = self.chain.head
        self._store.close()
        self._open()
        assert self.chain.head == head

    def close(self) -> None:
        self._store.close()
        self._lane.close()
        self._event_loop.close()

    # -- time and blocks

    @property
    def now_s(self) -> int:
        """The L2 head's time."""
        return self.chain.head.header.timestamp_s

    def build(self) -> Block:
        """The next block, with whatever is in the pool and on the L1."""
        if self.now_s > self._l1_time_s() + 12:
            self._follow_on_l1()
        number = self.chain.head.header.number
        self._wait_for(self._loop.mine_now(self._clock))
        assert self.chain.head.header.number == number + 1, self._maker.waiting_for
        return self.chain.head

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.build()

    def catch_up(self) -> list[Block]:
        """Blocks until everything on the L1 has arrived."""
        blocks = [self.build()]
        while reference(self.config, to_l2_block(blocks[-1])).l1_origin.number < self._l1_number():
            blocks.append(self.build())
        return blocks

    def _l1_time_s(self) -> int:
        return self.machine.l1_block(None).timestamp_s

    def _l1_number(self) -> int:
        return self.machine.block_number - 1

    def _follow_on_l1(self) -> None:
        """The L1 comes to the L2's time, by a block."""
        self.machine.advance(max(1, self.now_s - self.machine.now_s + 1))

    def _wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._event_loop.run_until_complete(work)

    # -- transactions

    def submit(
        self, sender: Account, to: Address, data: bytes = b"", value_wei: int = 0, *, tip: int = 1
    ) -> bytes:
        """A signed transaction into the pool; returns its hash. `tip` in gwei orders the block."""
        fields = {
            "type": 2,
            "chainId": self.spec.chain_id,
            "nonce": self._pool.next_nonce(sender.address),
            "gas": GAS,
            "maxFeePerGas": 100 * GWEI,
            "maxPriorityFeePerGas": tip * GWEI,
            "to": to_checksum_address(to),
            "value": value_wei,
            "data": data,
        }
        signed = EthAccount.from_key(sender.key.to_bytes()).sign_transaction(fields)
        transaction = self.chain.engine.decode_transaction(bytes(signed.raw_transaction))
        self._pool.add(pooled(transaction, self.spec), self._clock.now_s())
        return transaction.hash

    def send(self, sender: Account, to: Address, data: bytes = b"", value_wei: int = 0) -> Receipt:
        """A signed transaction in a block of its own."""
        name = self.submit(sender, to, data, value_wei)
        return receipt_of(self.build(), name)

    def force(
        self,
        sender: Address,
        to: Address,
        data: bytes,
        value_wei: int = 0,
        *,
        mint_wei: int = 0,
        gas: int = 200_000,
    ) -> Receipt:
        """A deposit by an L1 account, and blocks until it has arrived. OPEN for `mint_wei` is given first."""
        self._come_to_l2_time()
        if mint_wei:
            self.l1.give_open(sender, mint_wei)
            self.l1.approve(sender, mint_wei)
        arguments = (to, mint_wei, value_wei, gas, False, data)
        self.l1.portal.send(sender, "depositERC20Transaction", *arguments)
        blocks = self.catch_up()
        receipts = [
            receipt
            for block in blocks
            for transaction, receipt in zip(block.transactions[1:], block.receipts[1:], strict=True)
            if transaction.sender == sender and transaction.to == to
        ]
        return receipts[-1]

    def _come_to_l2_time(self) -> None:
        """The L1's next block is later than the L2's head, as a proposal of it must be."""
        if self.now_s >= self.machine.now_s:
            self._follow_on_l1()

    # -- withdrawals

    def prove(self, leaving: Leaving) -> bool:
        """Propose until an output covers the withdrawal, and prove under it; false if the portal refuses."""
        number = self._cover(leaving.l2_number)
        header = self.chain.header_by_number(number)
        assert header is not None
        slot = int.from_bytes(message_passer_slot(withdrawal_hash(leaving.withdrawal)), "big")
        account = self.chain.snapshot(header).prove(L2_TO_L1_MESSAGE_PASSER, (slot,))
        index = self.l1.oracle.read("getL2OutputIndexAfter", number)
        proof = (bytes(32), header.state_root, account.storage_root, header.hash)
        call = self.l1.portal.abi.call_data(
            "proveWithdrawalTransaction", leaving.withdrawal.fields, index, proof, account.storage[0].nodes
        )
        return self.machine.transact(DEPLOYER, self.l1.at.portal, call).ok

    def _cover(self, l2_number: int) -> int:
        """Outputs up to the first one at or after a block; that one's number."""
        oracle = self.l1.oracle
        while (latest := int(oracle.read("latestBlockNumber"))) < l2_number:
            number = latest + OUTPUT_INTERVAL
            while self.chain.head.header.number < number:
                self.build()
            self._come_to_l2_time()
            root = self._output_root(number)
            oracle.send(parameters().proposer, "proposeL2Output", root, number, bytes(32), 0)
        return latest

    def _output_root(self, number: int) -> Hash32:
        header = self.chain.header_by_number(number)
        assert header is not None
        passer = self.chain.snapshot(header).prove(L2_TO_L1_MESSAGE_PASSER, ())
        return output_root(OutputParts(number, header.state_root, passer.storage_root, header.hash))

    def finalize(self, leaving: Leaving) -> bool:
        """False if the portal refuses."""
        self._come_to_l2_time()
        self.machine.advance(FINALIZATION_S + 1)
        call = self.l1.portal.abi.call_data("finalizeWithdrawalTransaction", leaving.withdrawal.fields)
        return self.machine.transact(DEPLOYER, self.l1.at.portal, call).ok

    # -- reading

    def balance(self, address: Address) -> int:
        return self.chain.snapshot().account(address).balance_wei

    def read(self, to: Address, data: bytes) -> bytes:
        """A view's return data."""
        result = self.chain.snapshot().call(CallRequest(self._reader, to, GAS, 0, data))
        assert result.error is None, result
        return result.output

    @cached_property
    def _reader(self) -> Address:
        return Address(b"\x99" * 20)

    def sum_of_balances(self) -> int:
        """Of every account in the state, each leaf read."""
        total = 0

        def add(leaf: bytes) -> None:
            nonlocal total
            total += decode_account(leaf).balance_wei

        state_difference(NodeStore(self._store).node, EMPTY_ROOT, self.chain.head.header.state_root, add)
        return total


def receipt_of(block: Block, name: bytes) -> Receipt:
    """A transaction's receipt; it must be in the block."""
    return next(
        receipt
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True)
        if transaction.hash == name
    )
