"""Contracts of others that an L2 starts with: their code is what is published, and they work here."""

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_keys.datatypes import PrivateKey

from genesis.addresses import (
    CREATEX,
    ENTRY_POINT,
    GOVERNANCE_TIMELOCK,
    L2_STANDARD_BRIDGE,
    MINTABLE_ERC20_FACTORY,
    OP_WETH9,
    PERMIT2,
    SAFE_L2,
    SAFE_PROXY_FACTORY,
    SAFE_SINGLETON_FACTORY,
    UNISWAP_FACTORY,
    UNISWAP_ROUTER,
)
from genesis.keccak import keccak256
from genesis.predeploys import CONSTRUCTED, l2_predeploys, preinstalls, published
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from tests.contracts import construct
from tests.contracts.machine import Machine
from tests.contracts.published import PACKAGES, PERMIT2_CODE_HASH
from tests.contracts.rollup import ALICE, BOB

OWNER = PrivateKey(b"\x07" * 32)
OWNER_ADDRESS = Address(OWNER.public_key.to_canonical_address())
FAR_S = 2**40
SENDER_CREATOR = Address(bytes.fromhex("EFC2c1444eBCC4Db75e7613d20C6a62fF67A167C"))


def call(
    machine: Machine, sender: Address, to: Address, signature: str, *values: Any, value: int = 0
) -> bytes:
    """A transaction that must succeed; its output."""
    outcome = machine.transact(sender, to, data(signature, *values), value)
    assert outcome.ok, outcome.output
    return outcome.output


def data(signature: str, *values: Any) -> bytes:
    body = signature[signature.index("(") + 1 : -1]
    types, depth, start = [], 0, 0
    for i, character in enumerate(body + ","):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            types.append(body[start:i])
            start = i + 1
    return keccak256(signature.encode())[:4] + encode([each for each in types if each], values)


def number(output: bytes) -> int:
    return int(decode(["uint256"], output)[0])


def address(output: bytes) -> Address:
    return Address(output[12:32])


@pytest.mark.npm
def test_publishing_again_gives_the_same_bytes() -> None:
    assert PACKAGES.exists(), "run: make .cache/preinstalls/.installed"
    assert (CONSTRUCTED / "published.json").read_text() == construct.text(construct.published())


def test_they_are_part_of_the_l2_and_replace_nothing() -> None:
    accounts = published()
    assert accounts.items() <= l2_predeploys().items()
    assert accounts.keys().isdisjoint(preinstalls())
    assert {ENTRY_POINT, SENDER_CREATOR, CREATEX, SAFE_SINGLETON_FACTORY} <= accounts.keys()
    assert keccak256(accounts[PERMIT2].code) == PERMIT2_CODE_HASH


def wopen(machine: Machine, owner: Address, amount: int) -> None:
    call(machine, owner, OP_WETH9, "deposit()", value=amount)


def balance(machine: Machine, token: Address, owner: Address) -> int:
    return number(call(machine, owner, token, "balanceOf(address)", owner))


def test_permit2_moves_wopen_by_a_signature_of_this_chain(l2: Machine) -> None:
    wopen(l2, ALICE, 5 * OPEN_UNIT)
    call(l2, ALICE, OP_WETH9, "transfer(address,uint256)", OWNER_ADDRESS, 5 * OPEN_UNIT)
    call(l2, OWNER_ADDRESS, OP_WETH9, "approve(address,uint256)", PERMIT2, 2**256 - 1)
    token = keccak256(b"TokenPermissions(address token,uint256 amount)")
    permit = keccak256(
        b"PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)"
        b"TokenPermissions(address token,uint256 amount)"
    )
    domain = keccak256(
        keccak256(b"EIP712Domain(string name,uint256 chainId,address verifyingContract)")
        + keccak256(b"Permit2")
        + encode(["uint256", "address"], [31337, PERMIT2])
    )
    assert call(l2, ALICE, PERMIT2, "DOMAIN_SEPARATOR()") == domain
    permitted = keccak256(token + encode(["address", "uint256"], [OP_WETH9, 5 * OPEN_UNIT]))
    message = keccak256(permit + permitted + encode(["address", "uint256", "uint256"], [BOB, 9, FAR_S]))
    signed = OWNER.sign_msg_hash(keccak256(b"\x19\x01" + domain + message)).to_bytes()
    transfer = data(
        "permitTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes)",
        ((OP_WETH9, 5 * OPEN_UNIT), 9, FAR_S),
        (BOB, 3 * OPEN_UNIT),
        OWNER_ADDRESS,
        signed[:64] + bytes([signed[64] + 27]),
    )
    assert not l2.transact(ALICE, PERMIT2, transfer).ok, "only the spender that was signed for"
    assert l2.transact(BOB, PERMIT2, transfer).ok
    assert balance(l2, OP_WETH9, BOB) == 3 * OPEN_UNIT
    assert not l2.transact(BOB, PERMIT2, transfer).ok, "a nonce is used once"


def test_the_exchange_trades_open_against_a_token(l2: Machine) -> None:
    token = new_token(l2)
    call(l2, ALICE, token, "approve(address,uint256)", UNISWAP_ROUTER, 2**255)
    call(
        l2,
        ALICE,
        UNISWAP_ROUTER,
        "addLiquidityETH(address,uint256,uint256,uint256,address,uint256)",
        token,
        400 * OPEN_UNIT,
        0,
        0,
        ALICE,
        FAR_S,
        value=100 * OPEN_UNIT,
    )
    pair = address(call(l2, BOB, UNISWAP_FACTORY, "getPair(address,address)", token, OP_WETH9))
    assert balance(l2, OP_WETH9, pair) == 100 * OPEN_UNIT
    call(
        l2,
        BOB,
        UNISWAP_ROUTER,
        "swapExactETHForTokens(uint256,address[],address,uint256)",
        0,
        [OP_WETH9, token],
        BOB,
        FAR_S,
        value=OPEN_UNIT,
    )
    paid_in = OPEN_UNIT * 997
    assert balance(l2, token, BOB) == paid_in * 400 * OPEN_UNIT // (100 * OPEN_UNIT * 1000 + paid_in)
    assert address(call(l2, BOB, UNISWAP_FACTORY, "feeToSetter()")) == GOVERNANCE_TIMELOCK
    assert address(call(l2, BOB, UNISWAP_ROUTER, "WETH()")) == OP_WETH9


def new_token(machine: Machine) -> Address:
    """An ERC-20 that is not WOPEN, made by OP's factory; its bridge gives ALICE 1,000."""
    made = call(
        machine,
        ALICE,
        MINTABLE_ERC20_FACTORY,
        "createOptimismMintableERC20(address,string,string)",
        b"\x11" * 20,
        "Token",
        "TKN",
    )
    call(machine, L2_STANDARD_BRIDGE, address(made), "mint(address,uint256)", ALICE, 1_000 * OPEN_UNIT)
    return address(made)


def test_the_entry_point_knows_its_creator_and_keeps_deposits(l2: Machine) -> None:
    call(l2, ALICE, ENTRY_POINT, "depositTo(address)", BOB, value=7)
    assert number(call(l2, ALICE, ENTRY_POINT, "balanceOf(address)", BOB)) == 7
    refused = l2.transact(ALICE, ENTRY_POINT, data("getSenderAddress(bytes)", b"\x01" * 20))
    assert refused.output[:4] == keccak256(b"SenderAddressResult(address)")[:4]


def test_a_safe_is_made_and_sends(l2: Machine) -> None:
    setup = data(
        "setup(address[],uint256,address,bytes,address,address,uint256,address)",
        [ALICE],
        1,
        bytes(20),
        b"",
        bytes(20),
        bytes(20),
        0,
        bytes(20),
    )
    safe = address(
        call(l2, BOB, SAFE_PROXY_FACTORY, "createProxyWithNonce(address,bytes,uint256)", SAFE_L2, setup, 1)
    )
    l2.transact(ALICE, safe, b"", OPEN_UNIT)
    approved = encode(["address", "uint256"], [ALICE, 0]) + b"\x01"
    execution = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
    before = l2.balance(BOB)
    call(l2, ALICE, safe, execution, BOB, 5, b"", 0, 0, 0, 0, bytes(20), bytes(20), approved)
    assert l2.balance(BOB) - before == 5


def test_the_other_factories_create(l2: Machine) -> None:
    code = bytes.fromhex("6001600c60003960016000f300")  # creates an account with code 00
    made = l2.transact(ALICE, SAFE_SINGLETON_FACTORY, bytes(32) + code)
    expected = keccak256(b"\xff" + SAFE_SINGLETON_FACTORY + bytes(32) + keccak256(code))[12:]
    assert made.output == expected
    created = address(call(l2, ALICE, CREATEX, "deployCreate2(bytes)", code))
    assert l2.state.get_code(created) == b"\0"
