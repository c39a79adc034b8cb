"""Which transactions put a trained model on sale: register it, price it, commit its feature index.

Calls are values; whoever holds the owner's key signs them: the command, or a wallet through the API.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from openledger_node.client.contract import Contract
from openledger_node.client.economy import MODELS, ROLE_PROVIDER, STAKING
from workers.protocol import FeatureIndexResult


@dataclass(frozen=True, slots=True)
class Call:
    """One transaction to a contract."""

    contract: Contract
    method: str
    arguments: tuple[Any, ...]
    value_wei: int = 0

    def to_json(self) -> dict[str, str]:
        """As a wallet takes it."""
        data = self.contract.calldata(self.method, *self.arguments)
        value = {"value": hex(self.value_wei)} if self.value_wei else {}
        call = {"to": f"0x{self.contract.address.hex()}", "data": f"0x{data.hex()}", **value}
        return {**call, "method": self.method}


def registration(*, model: str, manifest: str, parent: int, sources: Sequence[tuple[int, int]]) -> Call:
    """The first call; its `ModelRegistered` event names the model id that the others need."""
    arguments = (
        bytes.fromhex(model),
        parent,
        bytes.fromhex(manifest),
        [datanet for datanet, _ in sources],
        [version for _, version in sources],
        f"sha256:{manifest}",
    )
    return Call(MODELS, "registerModel", arguments)


def staking(missing_wei: int) -> list[Call]:
    """What the index's signer stakes first, when it has too little to answer for one."""
    return [Call(STAKING, "stake", (ROLE_PROVIDER,), missing_wei)] if missing_wei else []


def sale(model_id: int, input_price_wei: int, output_price_wei: int, index: FeatureIndexResult) -> list[Call]:
    """What follows: prices per 1,000 tokens, and the index that contributors are paid by."""
    roots = (index.rows_root, index.sums_root, index.preconditioner_hash, index.numeric_profile)
    sizes = (index.rows, index.contributors, index.dimensions)
    return [
        Call(MODELS, "setPrice", (model_id, input_price_wei, output_price_wei)),
        Call(MODELS, "commitFeatureIndex", (model_id, *roots, *sizes, f"sha256:{index.index}")),
    ]
