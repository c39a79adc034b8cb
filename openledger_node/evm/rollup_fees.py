"""What a transaction pays for L1 data on this state: L1Block's storage into the Fjord formula.

Source: OP Stack specification, Ecotone (storage layout) and Fjord (formula).
"""

from genesis.addresses import L1_BLOCK
from genesis.fees.l1_cost import L1FeeInputs, l1_data_fee, l1_gas_used
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.records import L1Fee

_BASE_FEE_SLOT = 1
_SCALARS_SLOT = 3
_BLOB_BASE_FEE_SLOT = 7
_BLOB_SCALAR_SHIFT, _BASE_SCALAR_SHIFT = 64, 96
_UINT32 = 0xFFFFFFFF


def l1_fee_inputs(accounts: AccountState) -> L1FeeInputs:
    scalars = accounts.get_storage(L1_BLOCK, _SCALARS_SLOT)
    return L1FeeInputs(
        base_fee_wei=accounts.get_storage(L1_BLOCK, _BASE_FEE_SLOT),
        blob_base_fee_wei=accounts.get_storage(L1_BLOCK, _BLOB_BASE_FEE_SLOT),
        base_fee_scalar=scalars >> _BASE_SCALAR_SHIFT & _UINT32,
        blob_base_fee_scalar=scalars >> _BLOB_SCALAR_SHIFT & _UINT32,
    )


def l1_fee(accounts: AccountState, raw: bytes) -> L1Fee:
    """The fee of a signed transaction, with what a receipt tells about it."""
    inputs = l1_fee_inputs(accounts)
    return L1Fee(
        fee_wei=l1_data_fee(raw, inputs),
        gas_used=l1_gas_used(raw),
        base_fee_wei=inputs.base_fee_wei,
        blob_base_fee_wei=inputs.blob_base_fee_wei,
        base_fee_scalar=inputs.base_fee_scalar,
        blob_base_fee_scalar=inputs.blob_base_fee_scalar,
    )
