"""What a verifier compares: every output root on the L1 with its own, every block hash with another node's.

Covered: saying so, loudly and for as long as it lasts. Not covered: acting on it (disputes).
"""

import structlog

from openledger_node.chain.chain import Chain
from openledger_node.client.errors import RemoteError, UnreachableError
from openledger_node.client.rpc import HttpRpc
from openledger_node.clock import Clock
from openledger_node.evm.node_store import MissingStateError
from openledger_node.node.l2_engine import ChainEngine
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.proposer.oracle import OracleReader
from rollup_bridge.proposer.output_root import output_root

log = structlog.get_logger(__name__)

POLL_S = 2.0


class OutputCheck:
    """Compares each output proposed on the L1 once the node has derived its block; a service.

    Starts at the first output on every start, or the first whose state is kept: a verifier trusts nothing it
    did not check in this run.
    """

    def __init__(self, chain: Chain, engine: ChainEngine, oracle: OracleReader, clock: Clock) -> None:
        self._chain = chain
        self._engine = engine
        self._oracle = oracle
        self._clock = clock
        self._next_index = 0
        self.checked = 0
        self.last_agreed = 0
        self.disagreement: str | None = None

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            try:
                while await self._check_next():
                    pass
            except (TemporaryError, MissingStateError) as error:
                log.debug("output check waits", reason=str(error))
            await self._clock.sleep(POLL_S)

    async def _check_next(self) -> bool:
        try:
            proposal = await self._oracle.output(self._next_index)
        except TransactionError:
            return False
        if proposal.l2_number > self._chain.heads.safe.number:
            return False
        if proposal.l2_number < self._chain.oldest_state:
            self._next_index += 1  # not checkable any more: the state of that block is pruned
            return True
        own = output_root(await self._engine.output_parts(proposal.l2_number))
        self._next_index += 1
        self.checked += 1
        if own == proposal.root:
            self.last_agreed = proposal.l2_number
            log.info("output agrees", l2_block=proposal.l2_number, checked=self.checked)
        else:
            self.disagreement = f"output of L2 block {proposal.l2_number} is 0x{proposal.root.hex()}"
            log.error("output differs", l2_block=proposal.l2_number, own=own, proposed=proposal.root)
        return True


class VerifierWatch:
    """Compares the sequencer's blocks with what a verifier derived from the L1 alone; a service."""

    def __init__(self, chain: Chain, verifier_url: str, clock: Clock) -> None:
        self._chain = chain
        self._rpc = HttpRpc(verifier_url, timeout_s=5.0)
        self._clock = clock
        self.agreed_block = 0
        self.disagreement: str | None = None

    async def run(self) -> None:
        """Compare until cancelled."""
        try:
            while True:
                try:
                    await self._compare()
                except (UnreachableError, RemoteError) as error:
                    log.debug("verifier does not answer", reason=str(error))
                await self._clock.sleep(POLL_S)
        finally:
            await self._rpc.close()

    async def _compare(self) -> None:
        derived = await self._rpc.call("eth_getBlockByNumber", "safe", False)
        number = int(derived["number"], 16)
        own = self._chain.header_by_number(number)
        if own is None or number == self.agreed_block:
            return
        if derived["hash"] == "0x" + own.hash.hex():
            self.agreed_block = number
            self.disagreement = None
        else:
            self.disagreement = f"the verifier derived another block {number}"
            log.error("verifier disagrees", block=number, own=own.hash, derived=derived["hash"])
