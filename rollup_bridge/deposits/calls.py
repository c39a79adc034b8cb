"""How a deposit is asked for on L1: calldata of the portal and of the OPEN token before it.

Source: OP Stack OptimismPortal (custom gas token); ERC-20.
"""

from eth_abi.abi import encode

from genesis.keccak import keccak256
from genesis.types import ZERO_ADDRESS, Address

_DEPOSIT_OPEN = keccak256(b"depositERC20Transaction(address,uint256,uint256,uint64,bool,bytes)")[:4]
_DEPOSIT = keccak256(b"depositTransaction(address,uint256,uint64,bool,bytes)")[:4]
_APPROVE = keccak256(b"approve(address,uint256)")[:4]


def approve_calldata(spender: Address, amount_wei: int) -> bytes:
    """Call of the OPEN token: let the portal take what is to be deposited."""
    return _APPROVE + encode(["address", "uint256"], [spender, amount_wei])


def deposit_open_calldata(
    to: Address | None, mint_wei: int, value_wei: int, gas: int, data: bytes = b""
) -> bytes:
    """Bring `mint_wei` of OPEN to the depositor's own L2 account and send `value_wei` of it on to `to`."""
    return _DEPOSIT_OPEN + encode(
        ["address", "uint256", "uint256", "uint64", "bool", "bytes"],
        [to or ZERO_ADDRESS, mint_wei, value_wei, gas, to is None, data],
    )


def force_transaction_calldata(to: Address | None, value_wei: int, gas: int, data: bytes = b"") -> bytes:
    """An L2 transaction that no sequencer can leave out, paid from the sender's L2 balance."""
    return _DEPOSIT + encode(
        ["address", "uint256", "uint64", "bool", "bytes"],
        [to or ZERO_ADDRESS, value_wei, gas, to is None, data],
    )
