"""Which rules the chain runs on now, next and last: `eth_config`.

Source: EIP-7910; EIP-2124 and EIP-6122 for fork ids.
"""

import zlib
from collections.abc import Mapping

from genesis import addresses
from genesis.forks import BLOB_RULES, Fork
from genesis.types import Address
from openledger_node.evm.blob_fees import GAS_PER_BLOB
from openledger_node.evm.system_calls import CONSOLIDATION_REQUESTS, WITHDRAWAL_REQUESTS
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.table import Table, reader
from precompiles.table import CONTRACTS

_PRECOMPILES = (
    "ECREC", "SHA256", "RIPEMD160", "ID", "MODEXP", "BN254_ADD", "BN254_MUL", "BN254_PAIRING", "BLAKE2F",
    "KZG_POINT_EVALUATION", "BLS12_G1ADD", "BLS12_G1MSM", "BLS12_G2ADD", "BLS12_G2MSM", "BLS12_PAIRING_CHECK",
    "BLS12_MAP_FP_TO_G1", "BLS12_MAP_FP2_TO_G2",
)  # fmt: skip
"""In order of their addresses, from 1."""
_BEFORE_CANCUN, _BEFORE_PRAGUE = 9, 10
_P256_VERIFY = 0x100


class ConfigMethods:
    def __init__(self, context: RpcContext) -> None:
        self._chain = context.chain

    def table(self) -> Table:
        return {"eth_config": reader(self._config)}

    def _config(self) -> Json:
        head_s = self._chain.head.header.timestamp_s
        starts = self._starts()
        current = [item for item in starts if item[0] <= head_s][-1]
        coming = [item for item in starts if item[0] > head_s]
        return {
            "current": self._shown(*current),
            "next": self._shown(*coming[0]) if coming else None,
            "last": self._shown(*coming[-1]) if coming else None,
        }

    def _starts(self) -> list[tuple[int, Fork]]:
        """(activation time, fork) in rising order; what is active from the first block on has time 0."""
        schedule, genesis_s = self._chain.engine.schedule, self._chain.genesis.header.timestamp_s
        steps = {first_s: fork for first_s, fork in schedule.steps if first_s > genesis_s}
        return [(0, schedule.at(genesis_s)), *sorted(steps.items())]

    def _shown(self, activation_s: int, fork: Fork) -> Json:
        rules = BLOB_RULES.get(fork)
        blob_schedule = None
        if rules is not None:
            blob_schedule = {
                "target": rules.target_gas // GAS_PER_BLOB,
                "max": rules.maximum_gas // GAS_PER_BLOB,
                "baseFeeUpdateFraction": rules.update_fraction,
            }
        return {
            "activationTime": activation_s,
            "blobSchedule": blob_schedule,
            "chainId": quantity(self._chain.spec.chain_id),
            "forkId": data(self._fork_id(activation_s)),
            "precompiles": _named(self._precompiles(fork)),
            "systemContracts": _named(self._system_contracts(fork)),
        }

    def _fork_id(self, activation_s: int) -> bytes:
        """A checksum of the first block and every fork up to this one."""
        schedule, genesis = self._chain.engine.schedule, self._chain.genesis.header
        numbers = sorted({number for number, _ in schedule.by_number if number})
        times = sorted(
            {time_s for time_s, _ in schedule.steps if genesis.timestamp_s < time_s <= activation_s}
        )
        passed = b"".join(item.to_bytes(8, "big") for item in [*numbers, *times])
        return zlib.crc32(genesis.hash + passed).to_bytes(4, "big")

    def _precompiles(self, fork: Fork) -> Mapping[str, Address]:
        count = len(_PRECOMPILES)
        if fork < Fork.PRAGUE:
            count = _BEFORE_PRAGUE if fork >= Fork.CANCUN else _BEFORE_CANCUN
        numbers = {name: index for index, name in enumerate(_PRECOMPILES[:count], 1)}
        if fork >= Fork.OSAKA:
            numbers["P256VERIFY"] = _P256_VERIFY
        active = {name: Address(number.to_bytes(20, "big")) for name, number in numbers.items()}
        ours = {contract.name: address for address, contract in CONTRACTS.items()}
        return active | ours if self._chain.spec.is_rollup else active

    def _system_contracts(self, fork: Fork) -> Mapping[str, Address]:
        spec = self._chain.spec
        active: dict[str, Address] = {}
        if fork >= Fork.CANCUN:
            active["BEACON_ROOTS_ADDRESS"] = addresses.BEACON_ROOTS
        if fork >= Fork.PRAGUE:
            active["HISTORY_STORAGE_ADDRESS"] = addresses.HISTORY_STORAGE
        if fork >= Fork.PRAGUE and spec.has_execution_requests:
            active["CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS"] = CONSOLIDATION_REQUESTS
            active["DEPOSIT_CONTRACT_ADDRESS"] = spec.deposit_contract
            active["WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS"] = WITHDRAWAL_REQUESTS
        return active


def _named(active: Mapping[str, Address]) -> Json:
    return {name: data(active[name]) for name in sorted(active)}
