"""PrecompileRegistry (99): which native precompiles run on this chain, and which version of each."""

from collections.abc import Sequence

from genesis.addresses import PRECOMPILE_REGISTRY
from genesis.types import Address
from precompiles import gas
from precompiles.contract import Contract, Method
from precompiles.host import Host
from precompiles.views import registry as view

ERC165_INTERFACE_ID = bytes.fromhex("01ffc9a7")
FIRST_VERSION = 1


def is_active(host: Host, precompile: Address) -> bool:
    """True iff a native precompile runs at the address."""
    gas.charge(host, gas.PRECOMPILE_REGISTRY["isActive"])
    return view.version(host, precompile) != 0


def version(host: Host, precompile: Address) -> int:
    """The version that runs at the address, 0 when none does."""
    gas.charge(host, gas.PRECOMPILE_REGISTRY["version"])
    return view.version(host, precompile)


def supports_interface(host: Host, interface_id: bytes) -> bool:
    """ERC-165: this interface and ERC-165 itself."""
    gas.charge(host, gas.PRECOMPILE_REGISTRY["supportsInterface"])
    return interface_id in (ERC165_INTERFACE_ID, INTERFACE_ID)


def initial_words(precompiles: Sequence[Address]) -> dict[int, int]:
    """Genesis storage: version 1 of every precompile."""
    return {view.version_slot(precompile): FIRST_VERSION for precompile in precompiles}


CONTRACT = Contract(
    name="PrecompileRegistry",
    address=PRECOMPILE_REGISTRY,
    prices=gas.PRECOMPILE_REGISTRY,
    methods=(
        Method("function isActive(address precompile) view returns (bool)", is_active),
        Method("function version(address precompile) view returns (uint256)", version),
        Method("function supportsInterface(bytes4 interfaceId) view returns (bool)", supports_interface),
    ),
    events=(),
    errors=(),
)


def _interface_id() -> bytes:
    """ERC-165: the exclusive or of every selector of the interface."""
    value = 0
    for method in CONTRACT.methods:
        value ^= int.from_bytes(method.selector, "big")
    return value.to_bytes(4, "big")


INTERFACE_ID = _interface_id()
