"""What the precompiles' storage holds in the genesis block."""

from genesis.addresses import POLICY, PRECOMPILE_REGISTRY, PRECOMPILES
from genesis.policy import Policy
from genesis.types import Address
from precompiles import policy, precompile_registry


def initial_storage(parameters: Policy, timelock: Address) -> dict[Address, dict[int, int]]:
    """Words by slot by address: policy version 1, who may publish the next one, and the registry.

    Addresses that start empty are left out.
    """
    return {
        POLICY: policy.initial_words(parameters, timelock),
        PRECOMPILE_REGISTRY: precompile_registry.initial_words(PRECOMPILES),
    }
