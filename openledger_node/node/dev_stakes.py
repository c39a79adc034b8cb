"""What the operators of a dev network stake before they may work: the provider and the validator."""

from genesis.networks import DEV_PROVIDER, DEV_SECOND_PROVIDER, DEV_VALIDATOR
from genesis.spec import OPEN_UNIT
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ROLE_PROVIDER, ROLE_VALIDATOR, STAKING, EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.rpc import Rpc
from openledger_node.client.sender import Sender

STAKE_WEI = 1_000 * OPEN_UNIT
STAKERS = (
    (DEV_PROVIDER, ROLE_PROVIDER),
    (DEV_SECOND_PROVIDER, ROLE_PROVIDER),
    (DEV_VALIDATOR, ROLE_VALIDATOR),
)


async def stake_operators(rpc: Rpc) -> None:
    """Bring every operator's stake up to STAKE_WEI; does nothing on a later start."""
    ethereum = Ethereum(rpc)
    reader = EconomyReader(ethereum)
    for index, role in STAKERS:
        account = dev_account(index)
        missing = STAKE_WEI - await reader.stake_wei(account.address, role)
        if missing > 0:
            await Sender(ethereum, account).transact(STAKING, "stake", role, value_wei=missing)
