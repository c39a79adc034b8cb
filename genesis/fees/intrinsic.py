"""How much gas a transaction needs before it does anything.

Covered: intrinsic gas and the calldata floor. Source: EIP-2028, EIP-2930, EIP-3860, EIP-7702, EIP-7623.
"""

TRANSACTION_GAS = 21_000
CREATION_GAS = 32_000
ZERO_BYTE_GAS = 4
NONZERO_BYTE_GAS = 16
INITCODE_WORD_GAS = 2
ACCESS_LIST_ADDRESS_GAS = 2_400
ACCESS_LIST_SLOT_GAS = 1_900
AUTHORIZATION_GAS = 25_000
FLOOR_TOKEN_GAS = 10
MAXIMUM_INITCODE_BYTES = 49_152


def intrinsic_gas(
    data: bytes,
    *,
    is_creation: bool,
    access_list_addresses: int = 0,
    access_list_slots: int = 0,
    authorizations: int = 0,
) -> int:
    """Gas charged before the first instruction."""
    zeros = data.count(0)
    gas = TRANSACTION_GAS + zeros * ZERO_BYTE_GAS + (len(data) - zeros) * NONZERO_BYTE_GAS
    if is_creation:
        gas += CREATION_GAS + INITCODE_WORD_GAS * (-(-len(data) // 32))
    gas += access_list_addresses * ACCESS_LIST_ADDRESS_GAS + access_list_slots * ACCESS_LIST_SLOT_GAS
    return gas + authorizations * AUTHORIZATION_GAS


def floor_gas(data: bytes) -> int:
    """Least gas a transaction with this calldata is charged. Source: EIP-7623 (one token per zero byte, four
    per other byte, ten gas per token)."""
    zeros = data.count(0)
    return TRANSACTION_GAS + FLOOR_TOKEN_GAS * (zeros + 4 * (len(data) - zeros))
