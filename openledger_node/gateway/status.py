"""What the status page shows: heads, jobs, worker, settlements, contracts, read when somebody looks."""

from dataclasses import dataclass
from typing import Any

from genesis.types import Address
from openledger_node.client.errors import RemoteError
from openledger_node.client.ethereum import Ethereum
from openledger_node.errors import TemporaryError
from openledger_node.jobs.machine import Job
from openledger_node.jobs.ports import WorkerPool
from openledger_node.jobs.scheduler import JobScheduler
from openledger_node.jobs.settlement import SettlementPlan, SettlementProgress
from openledger_node.jobs.settlements import SettlementTable
from precompiles.table import CONTRACTS

HEAD_TAGS = (("unsafe", "latest"), ("safe", "safe"), ("finalized", "finalized"))
RECENT_JOBS = 8


@dataclass(frozen=True, slots=True)
class Head:
    """One head of the chain; number None means it could not be read."""

    name: str
    number: int | None
    hash: str
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot. `contracts` are (layer, name, address)."""

    chain_id: int
    heads: tuple[Head, ...]
    workers: int
    jobs: tuple[Job, ...]
    settlements: tuple[tuple[SettlementPlan, SettlementProgress], ...]
    contracts: tuple[tuple[str, str, str], ...]
    provider: str


class StatusSource:
    def __init__(
        self,
        *,
        ethereum: Ethereum,
        scheduler: JobScheduler,
        settlements: SettlementTable,
        pool: WorkerPool,
        provider: Address,
    ) -> None:
        self._ethereum = ethereum
        self._scheduler = scheduler
        self._settlements = settlements
        self._pool = pool
        self._provider = provider

    async def read(self) -> Status:
        return Status(
            chain_id=await self._ethereum.chain_id(),
            heads=tuple([await self._head(name, tag) for name, tag in HEAD_TAGS]),
            workers=self._pool.workers,
            jobs=tuple(await self._scheduler.recent(RECENT_JOBS)),
            settlements=tuple(await self._settlements.open()),
            contracts=(*await self._l1_contracts(), *_precompiles()),
            provider=f"0x{self._provider.hex()}",
        )

    async def _head(self, name: str, tag: str) -> Head:
        try:
            block = await self._ethereum.block(tag)
        except (RemoteError, TemporaryError):
            return Head(name, None, "", 0)
        return Head(name, int(block["number"], 16), str(block["hash"]), int(block["timestamp"], 16))

    async def _l1_contracts(self) -> list[tuple[str, str, str]]:
        try:
            config: dict[str, Any] = await self._ethereum.rpc.call("optimism_rollupConfig")
        except (RemoteError, TemporaryError):
            return []
        names = {
            "deposit_contract_address": "Portal",
            "output_oracle_address": "OutputOracle",
            "l1_system_config_address": "SystemConfig",
            "open_token_address": "OpenToken",
            "open_vault_address": "OpenVault",
            "attestation_rewards_address": "AttestationRewards",
            "batch_inbox_address": "BatchInbox",
        }
        return [("L1", name, str(config[key])) for key, name in names.items() if key in config]


def _precompiles() -> list[tuple[str, str, str]]:
    return [("L2", contract.name, f"0x{address.hex()}") for address, contract in CONTRACTS.items()]


def status_to_json(status: Status) -> dict[str, Any]:
    """The same for machines."""
    return {
        "chainId": status.chain_id,
        "heads": {
            head.name: {"number": head.number, "hash": head.hash, "timestamp": head.timestamp_s}
            for head in status.heads
        },
        "workers": status.workers,
        "provider": status.provider,
        "jobs": [{"id": job.id, "kind": job.kind, "state": str(job.state)} for job in status.jobs],
        "settlements": [
            {"key": plan.key, "settlementId": progress.settlement_id, "postId": progress.post_id}
            for plan, progress in status.settlements
        ],
        "contracts": [
            {"layer": layer, "name": name, "address": address} for layer, name, address in status.contracts
        ],
    }
