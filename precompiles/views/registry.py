"""Where the PrecompileRegistry keeps versions."""

from genesis.addresses import PRECOMPILE_REGISTRY
from genesis.types import Address
from precompiles.host import Host
from precompiles.slots import mapping_slot

VERSIONS_SLOT = 0


def version_slot(precompile: Address) -> int:
    """Slot of a precompile's version."""
    return mapping_slot(VERSIONS_SLOT, precompile)


def version(host: Host, precompile: Address) -> int:
    """The version that runs at an address, 0 when none does."""
    return host.load(PRECOMPILE_REGISTRY, version_slot(precompile))
