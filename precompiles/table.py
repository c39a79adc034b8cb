"""Which precompile is at which address, and the one call that runs any of them."""

from genesis.types import Address
from precompiles import (
    attribution,
    datanet_registry,
    inference_metering,
    model_registry,
    policy,
    precompile_registry,
    staking,
)
from precompiles.contract import Contract
from precompiles.host import Host

CONTRACTS: dict[Address, Contract] = {
    contract.address: contract
    for contract in (
        attribution.CONTRACT,
        datanet_registry.CONTRACT,
        model_registry.CONTRACT,
        inference_metering.CONTRACT,
        staking.CONTRACT,
        policy.CONTRACT,
        precompile_registry.CONTRACT,
    )
}
ADDRESSES = tuple(CONTRACTS)


def run(host: Host, address: Address, calldata: bytes) -> bytes:
    """Run the precompile at `address` and return its return data.

    Raises `PrecompileRevertError` (the caller undoes the frame and returns its data) or the host's
    `OutOfGasError`. The caller has made sure that target, code address and own address are the same.
    """
    return CONTRACTS[address].run(host, calldata)
