"""The Solidity predeploys of the economy as contracts: governance, funding, tokens, agents.

Source: `genesis.addresses`; interfaces are the compiled ABIs of `genesis/contracts`.
"""

from functools import cache

from genesis import addresses
from genesis.contracts.artifact import read_artifact
from genesis.predeploys import ARTIFACTS
from genesis.types import Address
from openledger_node.client.abi import Interface, interface_from_json
from openledger_node.client.contract import Contract


@cache
def predeploy_interface(name: str) -> Interface:
    """The interface of a contract of `genesis/contracts` by its Solidity name."""
    return interface_from_json(read_artifact(ARTIFACTS, name).abi)


GOVERNOR = Contract(addresses.GOVERNOR, predeploy_interface("OpenGovernor"))
VOTES = Contract(addresses.VOTES_TOKEN, predeploy_interface("OpenVotes"))
TIMELOCK = Contract(addresses.GOVERNANCE_TIMELOCK, predeploy_interface("OpenTimelock"))
GRANTS = Contract(addresses.GRANTS, predeploy_interface("Grants"))
CALLBACKS = Contract(addresses.CALLBACK_CALLER, predeploy_interface("CallbackCaller"))
AGENTS = Contract(addresses.AGENT_REGISTRY, predeploy_interface("AgentRegistry"))
TOKENS = Contract(addresses.ASSET_TOKEN_FACTORY, predeploy_interface("AssetTokenFactory"))
WOPEN = Contract(addresses.OP_WETH9, predeploy_interface("WOPEN"))
MESSAGE_PASSER = Contract(addresses.L2_TO_L1_MESSAGE_PASSER, predeploy_interface("L2ToL1MessagePasser"))

PROPOSAL_STATES = (
    "pending",
    "active",
    "canceled",
    "defeated",
    "succeeded",
    "queued",
    "expired",
    "executed",
)
"""Source: OpenZeppelin's IGovernor.ProposalState."""


def agent_account(address: Address) -> Contract:
    """An agent's wallet."""
    return Contract(address, predeploy_interface("AgentAccount"))


def asset_token(address: Address) -> Contract:
    """A model's, Datanet's or agent's token."""
    return Contract(address, predeploy_interface("AssetToken"))
