from eth_abi.abi import decode

from genesis.keccak import keccak256
from genesis.types import Address
from rollup_bridge.deposits.calls import (
    approve_calldata,
    deposit_open_calldata,
    force_transaction_calldata,
)

TO = Address(b"\x11" * 20)


def test_an_open_deposit_names_ops_function() -> None:
    calldata = deposit_open_calldata(TO, 10, 7, 100_000, b"x")
    assert (
        calldata[:4] == keccak256(b"depositERC20Transaction(address,uint256,uint256,uint64,bool,bytes)")[:4]
    )
    types = ["address", "uint256", "uint256", "uint64", "bool", "bytes"]
    assert decode(types, calldata[4:]) == ("0x" + "11" * 20, 10, 7, 100_000, False, b"x")


def test_a_creation_has_the_zero_address_and_the_flag() -> None:
    to, _, _, creation, _ = decode(
        ["address", "uint256", "uint64", "bool", "bytes"], force_transaction_calldata(None, 0, 100_000)[4:]
    )
    assert (to, creation) == ("0x" + "00" * 20, True)


def test_approval_is_erc20s() -> None:
    assert approve_calldata(TO, 5)[:4].hex() == "095ea7b3"
