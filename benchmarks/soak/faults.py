"""Which faults happen when, and when each counts as survived.

The plan is a function of the seed alone: rounds of one fault of every kind in random order, with random
pauses, depths and times before a restart. A killed node has survived when its safe head is beyond the
network's at the kill; a reorganisation when every node's safe head names an L1 block of the new fork that is
beyond the old one's end.
"""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import structlog

from benchmarks.soak.processes import ROLES, Cluster
from genesis.types import Hash32
from openledger_node.client.errors import RemoteError, UnreachableError
from openledger_node.client.ethereum import from_hex
from rollup_bridge.deposits.l1_attributes import decode_calldata

log = structlog.get_logger(__name__)

REORG = "L1 reorganisation"
KINDS = (REORG, *(f"{role} killed" for role in ROLES))
DEPTHS = (1, 1, 2, 3, 5, 8, 13, 32)
MOST_DOWN_S = 3.0
MOST_STARTING_S = 60.0
POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Fault:
    """`pause_s` after the one before. A reorganisation takes `depth` blocks back and mines the deposits in
    them again (`moved`) or not; a killed node is away for `down_s`."""

    kind: str
    pause_s: float
    depth: int = 0
    moved: bool = False
    down_s: float = 0.0


def plan(dice: Random, rounds: int, seconds: float) -> list[Fault]:
    """`rounds` of each kind, spread over `seconds`."""
    mean_s = seconds / (rounds * len(KINDS))
    return [_fault(dice, kind, mean_s) for _ in range(rounds) for kind in dice.sample(KINDS, len(KINDS))]


def _fault(dice: Random, kind: str, mean_s: float) -> Fault:
    pause_s = dice.uniform(0.2, 1.8) * mean_s
    if kind == REORG:
        return Fault(kind, pause_s, depth=dice.choice(DEPTHS), moved=dice.random() < 0.5)
    return Fault(kind, pause_s, down_s=dice.uniform(0, MOST_DOWN_S))


@dataclass
class Faults:
    """`run` the plan; `survived` and `suffered` count by kind, `recovery_s` how long each took."""

    cluster: Cluster
    suffered: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    recovery_s: list[float] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    _watches: set[asyncio.Task[None]] = field(default_factory=set)
    _restarts: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self, faults: list[Fault], seconds: float) -> None:
        """Inject them all, the last within `seconds` unless the machine is too slow for the plan."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        for fault in faults:
            due_s += fault.pause_s
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            due_s = max(due_s, loop.time())
            await (self._reorganise(fault) if fault.kind == REORG else self._kill(fault))
            self.suffered[fault.kind] += 1
        log.info("all faults are in", planned_s=seconds)

    async def outlive(self, patience_s: float) -> None:
        """Wait for what is still recovering; raises TimeoutError."""
        async with asyncio.timeout(patience_s):
            await asyncio.gather(*self._restarts.values(), *self._watches)

    async def _kill(self, fault: Fault) -> None:
        role = fault.kind.partition(" ")[0]
        if role in self._restarts:
            await self._restarts[role]
            await self._answers(role)
        heights = [await node.height("safe") for node in self.cluster.nodes.values()]
        self.cluster.nodes[role].kill()
        log.info("killed", role=role, safe=max(heights))
        self._restarts[role] = asyncio.create_task(self._restart(role, fault.down_s))
        self._watch(fault, [role], beyond=max(heights))

    async def _answers(self, role: str) -> None:
        """Wait a while for a node that is starting: on a slow machine it would be killed for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOST_STARTING_S):
                while await self.cluster.nodes[role].height("latest") < 0:
                    await asyncio.sleep(POLL_S)

    async def _restart(self, role: str, down_s: float) -> None:
        await asyncio.sleep(down_s)
        self.cluster.nodes[role].start()

    async def _reorganise(self, fault: Fault) -> None:
        l1 = self.cluster.l1
        head = await l1.block_number()
        depth = min(fault.depth, head - self.cluster.deployed_at)
        kept = await self._deposits(head - depth + 1, head) if fault.moved else []
        await self._with_mining_paused(depth, [[raw, depth - 1] for raw in kept])
        self.depths.append(depth)
        log.info("reorganised", depth=depth, head=head, moved=len(kept))
        self._watch(fault, list(ROLES), origin=head)

    async def _with_mining_paused(self, depth: int, pairs: list[list[Any]]) -> None:
        """An anvil that mines while it reorganises loses blocks out of the middle of its chain."""
        rpc = self.cluster.l1.rpc
        await rpc.call("evm_setIntervalMining", 0)
        try:
            await rpc.call("anvil_reorg", depth, pairs)
        except RemoteError as error:
            log.info("anvil does not move the deposits", reason=error.message)
            await rpc.call("anvil_reorg", depth, [])
        await rpc.call("evm_setTime", int(time.time()))  # its clock went back with its blocks
        await rpc.call("evm_setIntervalMining", 1)

    async def _deposits(self, first: int, last: int) -> list[str]:
        """Raw transactions to the portal in some L1 blocks, in order."""
        portal, raws = "0x" + self.cluster.config.portal.hex(), []
        for number in range(first, last + 1):
            block = await self.cluster.l1.rpc.call("eth_getBlockByNumber", hex(number), True)
            for each in block["transactions"]:
                if each["to"] == portal:
                    raws.append(await self.cluster.l1.rpc.call("eth_getRawTransactionByHash", each["hash"]))
        return raws

    def _watch(self, fault: Fault, roles: list[str], *, beyond: int = -1, origin: int = -1) -> None:
        self._watches.add(asyncio.create_task(self._recovery(fault, roles, beyond, origin)))

    async def _recovery(self, fault: Fault, roles: list[str], beyond: int, origin: int) -> None:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        for role in roles:
            while not await self._is_back(role, beyond, origin):
                await asyncio.sleep(POLL_S)
        self.survived[fault.kind] += 1
        self.recovery_s.append(loop.time() - begin_s)
        log.info("survived", fault=fault.kind, took_s=round(self.recovery_s[-1], 1))

    async def _is_back(self, role: str, beyond: int, origin: int) -> bool:
        block = await self.cluster.nodes[role].call("eth_getBlockByNumber", "safe", True)
        if block is None or int(block["number"], 16) <= max(beyond, 0):
            return False
        number, named = origin_of(block)
        if number <= origin:
            return False
        try:
            canonical = await self.cluster.l1.block(number)
        except (RemoteError, UnreachableError):
            return False
        return from_hex(canonical["hash"]) == named


def origin_of(block: dict[str, Any]) -> tuple[int, Hash32]:
    """The L1 origin of an L2 block with whole transactions."""
    attributes = decode_calldata(from_hex(block["transactions"][0]["input"]))
    return attributes.number, attributes.hash
