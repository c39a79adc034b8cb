"""Are the network's deadlines longer than a sequencer can be silent.

Whoever loses money by not answering in time must be able to answer by a forced deposit. That takes up to two
sequencing windows and the drift, so a network whose policy has a shorter deadline is refused; so is one whose
juries are drawn within a sequencing window, in which a sequencer can wait for the draw it likes. `dev`, whose
windows are seconds, is excepted.
Source: protocol, section 3 "Policy" (06) and "Jury and draws".
"""

from genesis.addresses import POLICY
from genesis.networks import L1_BLOCK_TIME_S
from genesis.policy import Policy, short_deadlines
from genesis.spec import DEV_L2_CHAIN_ID, RollupConfig
from openledger_node.errors import StartError
from openledger_node.evm.snapshot import Snapshot
from precompiles.slots import field_slot
from precompiles.views import policy as view


def least_deadline_s(config: RollupConfig) -> int:
    """Two sequencing windows and the drift."""
    return 2 * config.sequencing_window * L1_BLOCK_TIME_S + config.max_sequencer_drift_s


def assert_deadlines(config: RollupConfig, state: Snapshot) -> None:
    """Raises `StartError` if the policy in force has a deadline below `least_deadline_s`, or early draws."""
    if config.l2_chain_id == DEV_L2_CHAIN_ID:
        return
    least_s = least_deadline_s(config)
    policy = _current_policy(state)
    short = ", ".join(short_deadlines(policy, least_s))
    if short:
        raise StartError(
            f"deadlines are below {least_s} s, for which a sequencer may be silent: {short}",
            "this network could cost its users money; its governance has to publish longer ones",
        )
    if policy.jury_delay_blocks <= config.sequencing_window:
        raise StartError(
            f"juries are drawn {policy.jury_delay_blocks} L1 blocks after a request, within the sequencing "
            f"window of {config.sequencing_window}: jury_delay_blocks = {policy.jury_delay_blocks}",
            "a sequencer could wait for the jury it likes; governance has to publish a longer delay",
        )


def _current_policy(state: Snapshot) -> Policy:
    version = state.storage_at(POLICY, view.CURRENT_VERSION_SLOT)
    base = view.version_slot(version)
    count = len(view.PARAMETERS.fields)
    return Policy(*(state.storage_at(POLICY, field_slot(base, i)) for i in range(count)))
