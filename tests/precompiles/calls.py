"""Short ways to make calls in tests: accounts, calldata, decoded results."""

from typing import Any

from eth_keys.datatypes import PrivateKey

from genesis.types import Address, Hash32
from precompiles.abi import encode_parameters
from precompiles.contract import Error, Event, Method
from precompiles.table import CONTRACTS
from tests.precompiles.world import Call, Outcome

UNIT = 10**18


class Account:
    """A test account that can sign."""

    def __init__(self, number: int) -> None:
        self.key = PrivateKey(number.to_bytes(32, "big"))
        self.address = Address(self.key.public_key.to_canonical_address())

    def sign(self, digest: Hash32) -> bytes:
        """A 65-byte signature with v 27 or 28."""
        signature = self.key.sign_msg_hash(digest).to_bytes()
        return signature[:64] + bytes((signature[64] + 27,))


def method(target: Address, name: str) -> Method:
    """A precompile's method by name."""
    return next(method for method in CONTRACTS[target].methods if method.name == name)


def event(target: Address, name: str) -> Event:
    """A precompile's event by name."""
    return next(event for event in CONTRACTS[target].events if event.name == name)


def calldata(target: Address, name: str, *arguments: Any) -> bytes:
    """Selector and encoded arguments."""
    found = method(target, name)
    return found.selector + encode_parameters(found.inputs, arguments)


def call(
    sender: Address, target: Address, name: str, *arguments: Any, value_wei: int = 0, is_static: bool = False
) -> Call:
    """A call of a method by name."""
    return Call(sender, target, calldata(target, name, *arguments), value_wei, is_static)


def number(outcome: Outcome) -> int:
    """A successful call's single return word."""
    assert outcome.succeeded, outcome.data
    assert outcome.data is not None
    return int.from_bytes(outcome.data, "big")


def words(outcome: Outcome) -> list[int]:
    """A successful call's return words."""
    assert outcome.succeeded, outcome.data
    assert outcome.data is not None
    return [int.from_bytes(outcome.data[i : i + 32], "big") for i in range(0, len(outcome.data), 32)]


def reverted(outcome: Outcome, error: Error, *arguments: Any) -> bool:
    """True iff the call reverted with exactly this error."""
    return not outcome.succeeded and outcome.data == error(*arguments).data
