"""What a set-code transaction does to the accounts that authorized it.

Source: EIP-7702; execution-specs, Prague `set_delegation`. An authorization that does not hold is skipped.
"""

from genesis.types import ZERO_ADDRESS, Address
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.code import DELEGATION_PREFIX, delegation_target
from openledger_node.evm.records import Authorization
from openledger_node.evm.signatures import recover_signer
from openledger_node.evm.transactions import authorization_digest

_MAXIMUM_NONCE = 2**64 - 1
_REFUND_IF_EXISTS = 12_500
"""An authority that exists already costs less than was charged."""


def authority_of(authorization: Authorization, chain_id: int) -> Address | None:
    """Who signed it; None if it does not hold whatever the state."""
    if authorization.chain_id not in (0, chain_id) or authorization.nonce >= _MAXIMUM_NONCE:
        return None
    digest = authorization_digest(authorization)
    return recover_signer(digest, authorization.y_parity, authorization.r, authorization.s)


def apply_authorization(accounts: AccountState, authorization: Authorization, chain_id: int) -> None:
    """Point the authority at the code it names; the refund is added to the transaction's."""
    authority = authority_of(authorization, chain_id)
    if authority is None:
        return
    accounts.mark_address_warm(authority)
    code = accounts.get_code(authority)
    if code and delegation_target(code) is None:
        return
    if accounts.get_nonce(authority) != authorization.nonce:
        return
    if accounts.account_exists(authority):
        accounts.add_refund(_REFUND_IF_EXISTS)
    if authorization.address == ZERO_ADDRESS:
        accounts.delete_code(authority)
    else:
        accounts.set_code(authority, DELEGATION_PREFIX + authorization.address)
    accounts.increment_nonce(authority)
