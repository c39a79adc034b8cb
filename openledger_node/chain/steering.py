"""What a development chain may decide about its blocks instead of letting it follow from the rules.

Nothing is set on any other chain. What is for the next block only is tied to the block it comes after.
"""

from dataclasses import dataclass, replace

from genesis.types import Address, Hash32
from openledger_node.evm.records import BlockInputs, Header


@dataclass(slots=True)
class Steering:
    """`fee_recipient` and `gas_limit` (gas) stay until they are set again."""

    fee_recipient: Address | None = None
    gas_limit: int | None = None
    _base_fee: tuple[Hash32, int] | None = None
    _prev_randao: tuple[Hash32, Hash32] | None = None

    def clear(self) -> None:
        self.fee_recipient = self.gas_limit = self._base_fee = self._prev_randao = None

    def set_next_base_fee(self, parent_hash: Hash32, base_fee_wei: int) -> None:
        self._base_fee = (parent_hash, base_fee_wei)

    def set_next_prev_randao(self, parent_hash: Hash32, prev_randao: Hash32) -> None:
        self._prev_randao = (parent_hash, prev_randao)

    def base_fee_after(self, parent_hash: Hash32) -> int | None:
        """The base fee in wei that the block on this one was given, if any."""
        if self._base_fee is None or self._base_fee[0] != parent_hash:
            return None
        return self._base_fee[1]

    def applied(self, parent: Header, inputs: BlockInputs) -> BlockInputs:
        """The inputs of a block on `parent`, with what was decided about it."""
        steered = replace(inputs, base_fee_wei=self.base_fee_after(parent.hash))
        if self.fee_recipient is not None:
            steered = replace(steered, fee_recipient=self.fee_recipient)
        if self.gas_limit is not None:
            steered = replace(steered, gas_limit=self.gas_limit)
        if self._prev_randao is not None and self._prev_randao[0] == parent.hash:
            steered = replace(steered, prev_randao=self._prev_randao[1])
        return steered
