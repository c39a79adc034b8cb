"""What blob space costs in a block, and how much the block before has left to pay for.

Source: EIP-4844, EIP-7918 (a floor under the price, from Osaka).
"""

from eth._utils.calculations import fake_exponential

from genesis.forks import Fork, blob_rules
from openledger_node.evm.records import Header

GAS_PER_BLOB = 131_072
_MINIMUM_BASE_FEE_WEI = 1
_EXECUTION_GAS_PER_BLOB = 2**13
"""A blob shall not cost less than so much execution gas."""


def blob_base_fee_wei(excess_blob_gas: int, fork: Fork) -> int:
    """Wei per blob gas under a fork's rules. Source: EIP-4844."""
    fee: int = fake_exponential(_MINIMUM_BASE_FEE_WEI, excess_blob_gas, blob_rules(fork).update_fraction)
    return fee


def excess_blob_gas_after(parent: Header, fork: Fork) -> int:
    """Excess blob gas of a block of `fork` on `parent`."""
    rules = blob_rules(fork)
    excess = parent.excess_blob_gas + parent.blob_gas_used
    if excess < rules.target_gas:
        return 0
    if fork >= Fork.OSAKA and _is_below_floor(parent, fork):
        room = rules.maximum_gas - rules.target_gas
        return parent.excess_blob_gas + parent.blob_gas_used * room // rules.maximum_gas
    return excess - rules.target_gas


def _is_below_floor(parent: Header, fork: Fork) -> bool:
    blob_price_wei = GAS_PER_BLOB * blob_base_fee_wei(parent.excess_blob_gas, fork)
    return _EXECUTION_GAS_PER_BLOB * parent.base_fee_wei > blob_price_wei
