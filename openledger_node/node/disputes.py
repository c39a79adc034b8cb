"""How an account takes part in disputes on the L1, wired: as challenger and defender, and as juror."""

from openledger_node.node.dispute_claims import ChainClaims
from openledger_node.node.lifecycle import Supervisor
from openledger_node.node.rollup import Rollup
from openledger_node.node.unless_detached import UnlessDetached
from rollup_bridge.challenger.juror import Juror
from rollup_bridge.challenger.service import Attest, Challenger
from rollup_bridge.txmgr.manager import TransactionManager

POLL_S = 1.0


def start_disputes(
    rollup: Rollup,
    supervisor: Supervisor,
    sender: TransactionManager,
    *,
    attest: Attest | None = None,
    jury_secret: bytes | None = None,
) -> tuple[Challenger, Juror]:
    """Attack wrong roots and defend right ones from the sender's account; vote in juries if there is a
    secret. A proposer has no `attest`: it may defend what it proposed."""
    claims = ChainClaims(rollup.chain, rollup.engine)
    challenger = Challenger(
        rollup.config.output_oracle,
        claims=claims,
        contracts=rollup.l1,
        l1=rollup.l1,
        sender=sender,
        clock=rollup.execution.clock,
        attest=attest,
        poll_interval_s=POLL_S,
    )
    juror = Juror(
        rollup.config.output_oracle,
        claims=claims,
        contracts=rollup.l1,
        l1=rollup.l1,
        sender=sender,
        header_rlp=rollup.l1.header_rlp,
        secret=jury_secret,
        clock=rollup.execution.clock,
        poll_interval_s=POLL_S,
    )
    supervisor.start("challenger", UnlessDetached(rollup.chain, challenger))
    supervisor.start("juror", UnlessDetached(rollup.chain, juror))
    return challenger, juror
