"""What the economy's precompiles say: channels, settlements, models, indexes, posts and policy as records.

The records are the precompiles' own (`precompiles.views`), read by their Solidity methods.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from genesis import addresses
from genesis.policy import Policy
from genesis.types import Address
from openledger_node.client.contract import Contract, precompile_interface
from openledger_node.client.ethereum import Block, Ethereum
from precompiles.abi import Struct
from precompiles.views import attribution, metering, models, staking

ATTRIBUTION = Contract(addresses.ATTRIBUTION, precompile_interface("IAttribution"))
DATANETS = Contract(addresses.DATANET_REGISTRY, precompile_interface("IDatanetRegistry"))
MODELS = Contract(addresses.MODEL_REGISTRY, precompile_interface("IModelRegistry"))
METERING = Contract(addresses.INFERENCE_METERING, precompile_interface("IInferenceMetering"))
STAKING = Contract(addresses.STAKING, precompile_interface("IStaking"))
POLICY = Contract(addresses.POLICY, precompile_interface("IPolicy"))

ROLE_VALIDATOR = staking.VALIDATOR
ROLE_PROVIDER = staking.PROVIDER

POST_PENDING = attribution.PENDING
POST_FINAL = attribution.FINAL
POST_VOID = attribution.VOID


Record = TypeVar("Record")


def record(struct: Struct[Record], values: Mapping[str, Any]) -> Record:
    """A struct's dictionary as the record that the precompiles keep; raises TypeError when fields differ."""
    if [field.name for field in struct.fields] != list(values):
        raise TypeError(f"{struct.name} has the fields {list(values)}")
    return struct.record(*values.values())


def policy_from_parameters(values: Mapping[str, Any]) -> Policy:
    """The Policy record behind the Solidity struct: same fields in the same order."""
    return Policy(**dict(zip((field.name for field in fields(Policy)), values.values(), strict=True)))


class EconomyReader:
    """Typed reads of the precompiles at the head (or at `block`)."""

    def __init__(self, ethereum: Ethereum) -> None:
        self.ethereum = ethereum

    async def model(self, model_id: int, block: Block = "latest") -> models.Model:
        return record(models.MODEL, await self.ethereum.read(MODELS, "getModel", model_id, block=block))

    async def feature_index(self, index_id: int, block: Block = "latest") -> models.FeatureIndex:
        found = await self.ethereum.read(MODELS, "getFeatureIndex", index_id, block=block)
        return record(models.FEATURE_INDEX, found)

    async def channel(self, channel_id: bytes, block: Block = "latest") -> metering.Channel:
        return record(
            metering.CHANNEL, await self.ethereum.read(METERING, "getChannel", channel_id, block=block)
        )

    async def settlement(self, settlement_id: int, block: Block = "latest") -> metering.Settlement:
        found = await self.ethereum.read(METERING, "getSettlement", settlement_id, block=block)
        return record(metering.SETTLEMENT, found)

    async def post(self, post_id: int, block: Block = "latest") -> attribution.Post:
        return record(
            attribution.POST, await self.ethereum.read(ATTRIBUTION, "getPost", post_id, block=block)
        )

    async def post_of(self, settlement_id: int) -> int:
        """The unvoided post that covers a settlement, 0 when there is none."""
        return int(await self.ethereum.read(ATTRIBUTION, "postOfSettlement", settlement_id))

    async def held_wei(self, settlement_id: int) -> int:
        """What is held of a settlement's provider's part."""
        return int(await self.ethereum.read(METERING, "heldIn", settlement_id))

    async def policy(self, version: int) -> Policy:
        return policy_from_parameters(await self.ethereum.read(POLICY, "getParameters", version))

    async def current_policy(self) -> tuple[int, Policy]:
        version = int(await self.ethereum.read(POLICY, "currentVersion"))
        return version, await self.policy(version)

    async def stake_wei(self, account: Address, role: int) -> int:
        return int(await self.ethereum.read(STAKING, "stakeOf", account, role))

    async def uri_of_index(self, index_id: int, model_id: int) -> str:
        """The URI a feature index was committed with; raises LookupError when there is no such event."""
        events = await self.ethereum.events(MODELS, "FeatureIndexCommitted", model_id, index_id)
        if not events:
            raise LookupError(f"feature index {index_id} was never committed")
        return str(events[-1].arguments["uri"])

    async def uri_of_settlement(self, settlement_id: int, channel_id: bytes) -> str:
        """The URI a settlement was published under; raises LookupError when there is no such event."""
        events = await self.ethereum.events(METERING, "Settled", channel_id, settlement_id)
        if not events:
            raise LookupError(f"settlement {settlement_id} was never made")
        return str(events[-1].arguments["uri"])
