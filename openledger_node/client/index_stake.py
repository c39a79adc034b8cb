"""How much an account still has to stake before it may sign a feature index.

The rule is the ModelRegistry's (`precompiles/model_indexes.py`): own provider stake of the policy's minimum,
beside a slash for each index of the signer's that stands, and twice what its posts answer for.
"""

from genesis.types import Address
from openledger_node.client.economy import ATTRIBUTION, MODELS, ROLE_PROVIDER, STAKING, EconomyReader

POSTS_BY_STAKE = 2


async def missing_stake_wei(reader: EconomyReader, signer: Address, model_id: int = 0) -> int:
    """Wei to add to the signer's own provider stake; a model's index before it ends with the new one."""
    read = reader.ethereum.read
    _, policy = await reader.current_policy()
    own_wei = (await read(STAKING, "delegation", signer, ROLE_PROVIDER, signer))["active"]
    active_wei = await reader.stake_wei(signer, ROLE_PROVIDER)
    live, _ = await read(MODELS, "indexesOf", signer)
    ends = await _ends(reader, signer, model_id)
    needed_wei = policy.minimum_provider_stake_wei + (live - ends) * policy.slash_amount_wei
    posts_wei = POSTS_BY_STAKE * await read(ATTRIBUTION, "exposureOf", signer)
    return max(0, int(needed_wei - own_wei), int(needed_wei + posts_wei - active_wei))


async def _ends(reader: EconomyReader, signer: Address, model_id: int) -> bool:
    """True if an index of the signer's is the model's newest, which a new one retires."""
    newest = (await reader.model(model_id)).feature_index if model_id else 0
    if not newest or (await reader.feature_index(newest)).signer != signer:
        return False
    return not await reader.ethereum.read(MODELS, "isRetired", newest)
