"""What users do meanwhile: transfers, contract calls, deposits, and withdrawals to their money on the L1.

Each user is a task with an account of its own that goes on whatever fails: a node that is away, a fork that
is gone, a proof under an output that no longer stands.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import structlog

from benchmarks.soak.processes import Cluster
from genesis.addresses import OP_WETH9
from genesis.networks import DEV_DEPLOYER
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from openledger_node.client.abi import interface_from_signatures
from openledger_node.client.account import Account, dev_account
from openledger_node.client.bridge import l1_contract
from openledger_node.client.contract import Contract
from openledger_node.client.errors import NotIncludedError, RemoteError, RevertedError, UnreachableError
from openledger_node.client.ethereum import from_hex, hex_bytes
from openledger_node.client.predeploys import MESSAGE_PASSER
from openledger_node.client.sender import Mined, Sender

log = structlog.get_logger(__name__)

TRANSFERRERS, CALLER, WITHDRAWER = (1, 2, 3), 4, 5
L1_PATIENCE_S, L2_PATIENCE_S = 15.0, 45.0
PAUSE_S = 1.0
L1_GAS_LIMIT = 100_000
WITHDRAWALS_UNDER_WAY = 6
WRAPPED_OPEN = Contract(OP_WETH9, interface_from_signatures("function deposit() payable"))
FAILURES = (UnreachableError, NotIncludedError, RemoteError, RevertedError, LookupError)


@dataclass
class Load:
    """`run` until cancelled; `done` counts what succeeded, `failed` attempts that did not."""

    cluster: Cluster
    dice: Random
    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    unpaid: list[str] = field(default_factory=list)
    """L2 transactions of withdrawals that are not known to be paid on the L1."""
    paid: list[str] = field(default_factory=list)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as users:
            for index in TRANSFERRERS:
                users.create_task(self._again("transfers", partial(self._transfer, index)))
            users.create_task(self._again("contract calls", self._call))
            users.create_task(self._again("deposits", self._deposit))
            users.create_task(self._again("withdrawals begun", self._initiate))
            users.create_task(self._again("withdrawals paid", self._pay_next))

    async def settle(self, patience_s: float) -> None:
        """Bring every withdrawal to its money, those too whose payment a reorganisation undid."""
        self.unpaid += self.paid
        self.paid.clear()
        async with asyncio.timeout(patience_s):
            while self.unpaid:
                try:
                    await self._pay_next()
                except FAILURES as error:
                    log.info("a withdrawal waits", left=len(self.unpaid), reason=str(error))
                    await asyncio.sleep(PAUSE_S)

    async def _again(self, kind: str, act: Callable[[], Awaitable[bool]]) -> None:
        while True:
            try:
                self.done[kind] += await act()
            except FAILURES:
                self.failed[kind] += 1
            await asyncio.sleep(self.dice.uniform(0, 2 * PAUSE_S))

    async def _transfer(self, index: int) -> bool:
        await self._l2(dev_account(index)).transfer(self._stranger(), 10**9, L2_PATIENCE_S)
        return True

    async def _call(self) -> bool:
        sender = self._l2(dev_account(CALLER))
        await sender.transact(WRAPPED_OPEN, "deposit", value_wei=1, timeout_s=L2_PATIENCE_S)
        return True

    async def _deposit(self) -> bool:
        deployer, config = dev_account(DEV_DEPLOYER), self.cluster.config
        token, portal = l1_contract("OpenToken", config.open_token), l1_contract("Portal", config.portal)
        allowance = await self.cluster.l1.read(token, "allowance", deployer.address, config.portal)
        if allowance < OPEN_UNIT:  # never given, or given on a fork that is gone
            await self._l1(deployer, token, "approve", config.portal, 10**6 * OPEN_UNIT)
        amount = self.dice.randrange(1, OPEN_UNIT)
        fields = (self._stranger(), amount, amount, L1_GAS_LIMIT, False, b"")
        await self._l1(deployer, portal, "depositERC20Transaction", *fields)
        return True

    async def _initiate(self) -> bool:
        if len(self.unpaid) >= WITHDRAWALS_UNDER_WAY:
            return False
        user = dev_account(WITHDRAWER)
        fields = (user.address, L1_GAS_LIMIT, b"")
        mined = await self._l2(user).transact(
            MESSAGE_PASSER,
            "initiateWithdrawal",
            *fields,
            value_wei=self.dice.randrange(1, OPEN_UNIT),
            timeout_s=L2_PATIENCE_S,
        )
        self.unpaid.append(hex_bytes(mined.hash))
        return True

    async def _pay_next(self) -> bool:
        """One step for the oldest withdrawal: prove it, finalize it, or see that it is paid."""
        if not self.unpaid:
            return False
        transaction = self.unpaid.pop(0)
        try:
            is_paid = await self._advance(transaction)
        except FAILURES:
            self.unpaid.append(transaction)
            raise
        (self.paid if is_paid else self.unpaid).append(transaction)
        return is_paid

    async def _advance(self, transaction: str) -> bool:
        """`transaction` is looked up each time: the fork it is on may have given it another nonce."""
        rpc = self.cluster.nodes["sequencer"].rpc
        found: dict[str, Any] = await rpc.call("openledger_getWithdrawalProof", transaction)
        portal = l1_contract("Portal", self.cluster.config.portal)
        user, fields, own_hash = dev_account(WITHDRAWER), _fields(found), from_hex(found["withdrawalHash"])
        if await self.cluster.l1.read(portal, "finalizedWithdrawals", own_hash):
            return True
        index = int(found["l2OutputIndex"], 16)
        proven_root, _, proven_index = await self.cluster.l1.read(portal, "provenWithdrawals", own_hash)
        root = tuple(from_hex(each) for each in found["outputRootProof"].values())
        oracle = l1_contract("OutputOracle", self.cluster.config.output_oracle)
        output = await self.cluster.l1.read(oracle, "getL2Output", index)
        if proven_root != output["outputRoot"] or proven_index != index:
            nodes = [from_hex(node) for node in found["withdrawalProof"]]
            await self._l1(user, portal, "proveWithdrawalTransaction", fields, index, root, nodes)
            return False
        await self._l1(user, portal, "finalizeWithdrawalTransaction", fields)
        return True

    def _l2(self, account: Account) -> Sender:
        return Sender(self.cluster.nodes["sequencer"].ethereum, account)

    async def _l1(self, account: Account, contract: Contract, method: str, *arguments: Any) -> Mined:
        """A sender for each: after a reorganisation nonces that were used are free again."""
        sender = Sender(self.cluster.l1, account)
        return await sender.transact(contract, method, *arguments, timeout_s=L1_PATIENCE_S)

    def _stranger(self) -> Address:
        return Address(self.dice.randbytes(20))


def _fields(found: dict[str, Any]) -> tuple[Any, ...]:
    withdrawal = found["withdrawal"]
    nonce, value, gas_limit = (int(withdrawal[name], 16) for name in ("nonce", "value", "gasLimit"))
    sender, target, data = (from_hex(withdrawal[name]) for name in ("sender", "target", "data"))
    return (nonce, sender, target, value, gas_limit, data)
