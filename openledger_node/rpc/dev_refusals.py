"""What test clients know that a development chain here cannot do, each with the reason."""

from typing import NoReturn

from openledger_node.rpc.errors import ServerError
from openledger_node.rpc.table import Method, optional, quick

_MINIMUM_PRICE = "there is no minimum gas price besides the base fee"
_NO_FORK = "this chain is not a fork of another"

_REASONS = {
    "setMinGasPrice": _MINIMUM_PRICE,
    "setRpcUrl": _NO_FORK,
    "setChainId": "the chain id is part of every signature",
}


def refusals() -> dict[str, Method]:
    """Methods that answer with why they cannot be had, in every mode that has them."""
    modes = ("anvil", "hardhat", "evm")
    return {f"{mode}_{name}": _refusing(reason) for name, reason in _REASONS.items() for mode in modes}


def _refusing(reason: str) -> Method:
    def refuse(_value: object) -> NoReturn:
        raise ServerError(f"not supported: {reason}")

    return quick(refuse, optional(lambda value: value))
