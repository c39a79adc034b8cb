"""What this node's own chain says in a dispute. Implements `rollup_bridge.challenger.ports.Claims`.

Covered: only blocks up to the safe head, which come from the L1 alone; steps of one block are computed once
and kept for the moves that follow. Not covered: any decision. Block execution and replays run in threads.
"""

import asyncio
from collections import OrderedDict

from genesis.types import ZERO_HASH, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.evm.block_steps import Sealed, StepError
from openledger_node.evm.node_store import MissingStateError
from openledger_node.evm.step_witness import BlockSteps, StepWitness
from openledger_node.node.l2_engine import ChainEngine
from rollup_bridge.challenger.ports import BlockOpening, Step
from rollup_bridge.errors import TemporaryError
from rollup_bridge.ports import OutputParts
from rollup_bridge.proposer.output_root import output_root

_KEPT_BLOCKS = 4


class ChainClaims:
    """One per chain."""

    def __init__(self, chain: Chain, engine: ChainEngine) -> None:
        self._chain = chain
        self._engine = engine
        self._steps: OrderedDict[Hash32, BlockSteps] = OrderedDict()

    async def output_root(self, number: int) -> Hash32:
        self._assert_safe(number)
        return output_root(await self._engine.output_parts(number))

    async def opening(self, number: int) -> BlockOpening:
        steps = await self._of(number)
        opening = steps.opening
        return BlockOpening(opening.hash, opening.transaction_count, steps.states[0].claim)

    async def step_claim(self, number: int, step: int) -> Hash32:
        return (await self._of(number)).states[step].claim

    async def step_witness(self, number: int, step: int) -> bytes:
        steps = await self._of(number)
        return (await asyncio.to_thread(steps.witness, step)).encode()

    async def replay(self, step: Step, witness: bytes) -> Hash32:
        """See `rollup_bridge.challenger.ports.Claims.replay`."""
        if step.number == 0:
            return await self._replay_inputs(step)
        return await asyncio.to_thread(self._replay, step, witness)

    async def _replay_inputs(self, step: Step) -> Hash32:
        """The inputs are what this node derived; a witness could only say so."""
        if await self.output_root(step.l2_number - 1) != step.claim_before:
            return ZERO_HASH
        own = await self.opening(step.l2_number)
        same = (own.inputs_hash, own.transaction_count) == (step.inputs_hash, step.transaction_count)
        return own.claim if same else ZERO_HASH

    def _replay(self, step: Step, encoded: bytes) -> Hash32:
        try:
            witness = StepWitness.decode(encoded)
            before, opening = witness.before, witness.opening
            is_agreed = before is not None and before.claim == step.claim_before
            if not is_agreed or opening.hash != step.inputs_hash:
                return ZERO_HASH
            if opening.transaction_count != step.transaction_count:
                return ZERO_HASH
            result = self._chain.engine.run_step(witness, step.number)
        except StepError:
            return ZERO_HASH
        return _root_of(result) if isinstance(result, Sealed) else result.claim

    async def _of(self, number: int) -> BlockSteps:
        self._assert_safe(number)
        header = self._chain.header_by_number(number)
        known = None if header is None else self._steps.get(header.hash)
        if header is None or known is None:
            known = await asyncio.to_thread(self._run, number)
        return known

    def _run(self, number: int) -> BlockSteps:
        block, parent = self._chain.block_by_number(number), self._chain.header_by_number(number - 1)
        if block is None or parent is None:
            raise TemporaryError(f"L2 block {number} is not there yet")
        try:
            steps = self._chain.engine.steps(parent, block)
        except MissingStateError as error:
            raise TemporaryError(f"the state of block {number - 1} is not kept: {error.cause}") from None
        self._steps[block.header.hash] = steps
        while len(self._steps) > _KEPT_BLOCKS:
            self._steps.popitem(last=False)
        return steps

    def _assert_safe(self, number: int) -> None:
        if number > self._chain.heads.safe.number:
            raise TemporaryError(f"L2 block {number} is not derived from the L1 yet")


def _root_of(sealed: Sealed) -> Hash32:
    header = sealed.header
    return output_root(OutputParts(header.number, header.state_root, sealed.message_passer_root, header.hash))
