"""How a native precompile runs inside a py-evm frame: the `Host` port over a computation.

Covered: who may reach a precompile, gas, effects that the frame's revert takes back, revert data.
Not covered: what the precompiles do (`precompiles/`).
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from eth.exceptions import OutOfGas, Revert, WriteProtection

from genesis.types import Address, Hash32
from openledger_node.evm.records import Log
from openledger_node.evm.signatures import recover_signer
from precompiles.contract import DELEGATE_CALL_REVERT_DATA, PrecompileRevertError
from precompiles.host import Host, OutOfGasError

NativePrecompile: TypeAlias = Callable[[Host, bytes], bytes]
"""Runs one call: (host, calldata) to return data. Raises `PrecompileRevertError` or `OutOfGasError`."""

_SIGNATURE_BYTES = 65


class ComputationHost:
    """One frame of a native precompile, as `precompiles.host.Host` describes it.

    Storage and balances are reached without touching the access list: the gas table prices them flat.
    """

    def __init__(self, computation: Any) -> None:
        self._computation = computation
        self._accounts = computation.state.accounts
        self._self = Address(computation.msg.storage_address)

    @property
    def chain_id(self) -> int:
        chain_id: int = self._computation.state.execution_context.chain_id
        return chain_id

    @property
    def block_number(self) -> int:
        number: int = self._computation.state.block_number
        return number

    @property
    def timestamp_s(self) -> int:
        timestamp_s: int = self._computation.state.timestamp
        return timestamp_s

    @property
    def caller(self) -> Address:
        return Address(self._computation.msg.sender)

    @property
    def value_wei(self) -> int:
        value_wei: int = self._computation.msg.value
        return value_wei

    @property
    def is_static(self) -> bool:
        is_static: bool = self._computation.msg.is_static
        return is_static

    def charge_gas(self, amount: int, reason: str) -> None:
        try:
            self._computation.consume_gas(amount, reason)
        except OutOfGas as error:
            raise OutOfGasError(reason) from error

    def load(self, address: Address, slot: int) -> int:
        value: int = self._accounts.get_storage(address, slot)
        return value

    def store(self, slot: int, value: int) -> None:
        self._refuse_static()
        self._accounts.set_storage(self._self, slot, value)

    def log(self, topics: tuple[Hash32, ...], data: bytes) -> None:
        self._refuse_static()
        self._accounts.add_log(Log(self._self, topics, data))

    def balance(self, address: Address) -> int:
        balance_wei: int = self._accounts.get_balance(address)
        return balance_wei

    def transfer(self, recipient: Address, amount_wei: int) -> None:
        self._refuse_static()
        own = self.balance(self._self)
        if not 0 <= amount_wei <= own:
            raise ValueError("a precompile must check its balance before it pays")
        self._accounts.set_balance(self._self, own - amount_wei)
        self._accounts.set_balance(recipient, self.balance(recipient) + amount_wei)

    def recover(self, digest: Hash32, signature: bytes) -> Address | None:
        if len(signature) != _SIGNATURE_BYTES or signature[64] not in (27, 28):
            return None
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        return recover_signer(digest, signature[64] - 27, r, s)

    def _refuse_static(self) -> None:
        # The precompile has refused already with its own error; this only makes sure.
        if self.is_static:
            raise WriteProtection("a precompile tried to change state inside a STATICCALL")


def run_native(native: NativePrecompile, computation: Any) -> None:
    """Run the precompile at the frame's code address; set the frame's output.

    Raises py-evm's `Revert` (gas left is returned) or `OutOfGas`.
    """
    message = computation.msg
    if message.is_delegation or not message.to == message.code_address == message.storage_address:
        _revert(computation, DELEGATE_CALL_REVERT_DATA)
    try:
        output = native(ComputationHost(computation), message.data_as_bytes)
    except PrecompileRevertError as error:
        _revert(computation, error.data)
    except OutOfGasError as error:
        raise OutOfGas(str(error)) from error
    else:
        computation.output = output


def _revert(computation: Any, data: bytes) -> None:
    # py-evm takes the reason from `output`, not from the exception: set it first.
    computation.output = data
    raise Revert(data)
