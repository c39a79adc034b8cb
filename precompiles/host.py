"""What a precompile may ask of the machine that runs it.

The house implements this port over py-evm; tests implement it over dictionaries. Every effect a precompile
has goes through here, so a revert of the frame undoes it.
"""

from typing import Protocol

from genesis.types import Address, Hash32


class OutOfGasError(Exception):
    """The frame's gas does not cover a charge. Raised by `Host.charge_gas` before any effect; the engine
    turns it into an ordinary out-of-gas halt."""


class Host(Protocol):
    """One call frame, as seen by the precompile that runs in it."""

    @property
    def chain_id(self) -> int: ...

    @property
    def block_number(self) -> int: ...

    @property
    def timestamp_s(self) -> int: ...

    @property
    def caller(self) -> Address:
        """`msg.sender` of this frame."""
        ...

    @property
    def value_wei(self) -> int:
        """`msg.value`; already credited to the precompile's balance."""
        ...

    @property
    def is_static(self) -> bool:
        """True inside STATICCALL: no storage write, log, value or transfer is allowed."""
        ...

    def charge_gas(self, amount: int, reason: str) -> None:
        """Take `amount` gas from the frame; raises `OutOfGasError`."""
        ...

    def load(self, address: Address, slot: int) -> int:
        """Storage word at `slot` of `address` as an unsigned integer. Free here: the gas table prices it."""
        ...

    def store(self, slot: int, value: int) -> None:
        """Set a storage word of the running precompile itself; it can write nobody else's."""
        ...

    def log(self, topics: tuple[Hash32, ...], data: bytes) -> None:
        """Emit a log from the running precompile's address."""
        ...

    def balance(self, address: Address) -> int: ...

    def transfer(self, recipient: Address, amount_wei: int) -> None:
        """Move native tokens from the running precompile to `recipient` without running any code there.

        The caller has checked the balance. The twin does the same with a contract that self-destructs in
        its constructor, so no payout can be blocked, reentered or redirected by its recipient.
        """
        ...

    def recover(self, digest: Hash32, signature: bytes) -> Address | None:
        """Signer of a 65-byte `r ‖ s ‖ v` signature with v in {27, 28} and low s, or None."""
        ...
