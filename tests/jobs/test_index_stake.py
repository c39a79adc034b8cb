"""What an index's signer has to stake is what the registry then asks for: not a wei more, not one less."""

import pytest

from genesis.addresses import STAKING as STAKING_ADDRESS
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from openledger_node.client.account import dev_account
from openledger_node.client.economy import MODELS, ROLE_PROVIDER, STAKING
from openledger_node.client.errors import RevertedError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.index_stake import missing_stake_wei
from openledger_node.client.sender import Sender
from tests.jobs.economy import BUILDER, CUSTOMER, OWNER, STAKE_WEI, Economy

WORD = b"\x11" * 32
INDEX = (WORD, WORD, WORD, WORD, 2, 1, 4, "sha256:00")


def address(account: int) -> Address:
    return dev_account(account).address


async def commit(economy: Economy, account: int, model: int) -> None:
    await Sender(Ethereum(economy.node), dev_account(account)).transact(
        MODELS, "commitFeatureIndex", model, *INDEX
    )


async def test_the_answer_is_what_the_registry_asks_for(economy: Economy) -> None:
    owner = Sender(Ethereum(economy.node), dev_account(OWNER))
    await owner.transact(MODELS, "registerModel", WORD, 0, WORD, [], [], "uri")
    _, policy = await economy.reader.current_policy()
    missing_wei = await missing_stake_wei(economy.reader, address(OWNER))
    assert missing_wei == policy.minimum_provider_stake_wei
    await owner.transact(STAKING, "stake", ROLE_PROVIDER, value_wei=missing_wei - 1)
    assert await missing_stake_wei(economy.reader, address(OWNER)) == 1
    with pytest.raises(RevertedError, match="SignerNotStaked"):
        await commit(economy, OWNER, 2)
    await owner.transact(STAKING, "stake", ROLE_PROVIDER, value_wei=1)
    await commit(economy, OWNER, 2)
    assert await missing_stake_wei(economy.reader, address(OWNER)) == policy.slash_amount_wei
    assert await missing_stake_wei(economy.reader, address(OWNER), 2) == 0
    await commit(economy, OWNER, 2)


async def test_delegated_stake_is_not_the_signers_own(economy: Economy) -> None:
    calldata = STAKING.calldata("delegate", address(BUILDER), ROLE_PROVIDER)
    economy.node.act(CUSTOMER, STAKING_ADDRESS, calldata, OPEN_UNIT)
    builder = Sender(Ethereum(economy.node), dev_account(BUILDER))
    await builder.transact(STAKING, "requestUnstake", ROLE_PROVIDER, STAKE_WEI - 1)
    _, policy = await economy.reader.current_policy()
    missing_wei = await missing_stake_wei(economy.reader, address(BUILDER), 1)
    assert missing_wei == policy.minimum_provider_stake_wei - 1
