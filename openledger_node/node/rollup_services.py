"""What a rollup node does on its own account, wired: builds blocks, posts batches, proposes outputs."""

from openledger_node.config.model import NodeConfig
from openledger_node.errors import StartError
from openledger_node.l1.signers import LocalSigner
from openledger_node.node.disputes import start_disputes
from openledger_node.node.l2_block_maker import RollupBlockMaker
from openledger_node.node.lifecycle import Supervisor
from openledger_node.node.rollup import Rollup
from openledger_node.node.unless_detached import UnlessDetached
from rollup_bridge.batcher.machine import BatcherSettings, Medium
from rollup_bridge.batcher.service import Batcher
from rollup_bridge.derive.attributes import SequencerAttributes
from rollup_bridge.proposer.service import Proposer, ProposerSettings
from rollup_bridge.txmgr.manager import TransactionManager
from sequencer.builder.budget import BuildLimits
from sequencer.loop import Sealed, SequencerLoop


class NothingOnSealed:
    """The pool and feeds follow the chain by themselves."""

    async def on_sealed(self, sealed: Sealed) -> None:
        """See `sequencer.loop.BlockListener`."""


def sequencer_loop(rollup: Rollup) -> tuple[RollupBlockMaker, SequencerLoop]:
    """The service that builds blocks, and where they come from."""
    execution = rollup.execution
    maker = RollupBlockMaker(
        chain=execution.chain,
        lane=execution.lane,
        attributes=SequencerAttributes(rollup.config, rollup.l1),
        clock=execution.clock,
        block_time_s=rollup.config.block_time_s,
        request_reset=rollup.driver.request_reset,
        caught_up=lambda: rollup.driver.caught_up,
    )
    loop = SequencerLoop(
        maker=maker,
        pool=execution.pool.pool,
        clock=execution.clock,
        lane=execution.lane,
        next_due_s=maker.next_due_s,
        limits=BuildLimits(fill_time_s=rollup.config.block_time_s / 2),
        listener=NothingOnSealed(),
    )
    return maker, loop


def start_batcher(rollup: Rollup, supervisor: Supervisor, private_key: bytes, config: NodeConfig) -> Batcher:
    """Post batches with the batcher's key. Raises StartError for blobs that nobody could read back."""
    medium = Medium(config.batcher.data)
    if config.l1.beacon is None:
        if medium is Medium.BLOBS:
            raise StartError("no follower of this node could read blobs", "give --l1.beacon")
        medium = Medium.CALLDATA
    batcher = Batcher(
        rollup.config,
        BatcherSettings(
            sequencing_window=rollup.config.sequencing_window,
            max_in_flight=config.batcher.in_flight,
            medium=medium,
        ),
        status=rollup.driver,
        l2=rollup.engine,
        sender=l1_sender(rollup, private_key),
        clock=rollup.execution.clock,
        poll_interval_s=0.5,
        fees=rollup.l1,
    )
    supervisor.start("batcher", UnlessDetached(rollup.chain, batcher))
    return batcher


def start_proposer(
    rollup: Rollup, supervisor: Supervisor, sender: TransactionManager, *, disputes: bool = True
) -> Proposer:
    """Propose output roots from the sender's account, whenever it may, and stand up for them in disputes,
    unless something else does that for this account."""
    proposer = Proposer(
        rollup.config.output_oracle,
        ProposerSettings(poll_interval_s=1.0),
        status=rollup.driver,
        outputs=rollup.engine,
        contracts=rollup.l1,
        sender=sender,
        clock=rollup.execution.clock,
    )
    supervisor.start("proposer", UnlessDetached(rollup.chain, proposer))
    if disputes:
        start_disputes(rollup, supervisor, sender)
    return proposer


def l1_sender(rollup: Rollup, private_key: bytes) -> TransactionManager:
    """Sends on the L1; one for each key of a process."""
    return TransactionManager(
        rollup.l1,
        LocalSigner(private_key),
        rollup.execution.clock,
        chain_id=rollup.config.l1_chain_id,
        receipt_poll_s=0.5,
    )
