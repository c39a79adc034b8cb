"""What a unit of gas costs at least in the next block: EIP-1559 with a floor.

Covered: the base fee of a block from its parent's header. Not covered: tips, blob fees, L1 data fees.
"""

from genesis.spec import FeeParameters


def next_base_fee(
    fees: FeeParameters, parent_base_fee_wei: int, parent_gas_used: int, parent_gas_limit: int
) -> int:
    """Wei per gas of the block after the parent. Source: EIP-1559; the floor is the OP Stack's."""
    target = parent_gas_limit // fees.elasticity
    if parent_gas_used == target:
        change = 0
    elif parent_gas_used > target:
        excess = parent_gas_used - target
        change = max(parent_base_fee_wei * excess // target // fees.denominator, 1)
    else:
        shortfall = target - parent_gas_used
        change = -(parent_base_fee_wei * shortfall // target // fees.denominator)
    return max(parent_base_fee_wei + change, fees.minimum_base_fee_wei)
