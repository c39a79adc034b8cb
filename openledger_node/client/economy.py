"""What the economy's precompiles say: channels, settlements, models, indexes, posts and policy as records.

Field names are the Solidity structs' (`precompiles/solidity/interfaces`) in the house's spelling.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from genesis import addresses
from genesis.policy import Policy
from genesis.types import Address, Hash32
from openledger_node.client.contract import Contract, precompile_interface
from openledger_node.client.ethereum import Block, Ethereum

ATTRIBUTION = Contract(addresses.ATTRIBUTION, precompile_interface("IAttribution"))
DATANETS = Contract(addresses.DATANET_REGISTRY, precompile_interface("IDatanetRegistry"))
MODELS = Contract(addresses.MODEL_REGISTRY, precompile_interface("IModelRegistry"))
METERING = Contract(addresses.INFERENCE_METERING, precompile_interface("IInferenceMetering"))
STAKING = Contract(addresses.STAKING, precompile_interface("IStaking"))
POLICY = Contract(addresses.POLICY, precompile_interface("IPolicy"))

ROLE_VALIDATOR = 1
ROLE_PROVIDER = 2

POST_PENDING = 1
POST_FINAL = 2
POST_VOID = 3


@dataclass(frozen=True, slots=True)
class Model:
    """Prices are wei per 1,000 tokens; `feature_index` 0 means there is none."""

    owner: Address
    revenue_recipient: Address
    artifact_hash: Hash32
    manifest_hash: Hash32
    parent: int
    input_price: int
    output_price: int
    feature_index: int
    sources: int


@dataclass(frozen=True, slots=True)
class FeatureIndex:
    """A committed index; `usable_at` is in unix seconds, rows and sums are under their roots."""

    model_id: int
    signer: Address
    rows_root: Hash32
    sums_root: Hash32
    preconditioner_hash: Hash32
    numeric_profile: Hash32
    rows: int
    contributors: int
    dimensions: int
    policy_version: int
    usable_at: int


@dataclass(frozen=True, slots=True)
class Channel:
    """A payment channel: prices in wei per 1,000 tokens, `deposit` and `settled_fee` in wei, `closable_at` in
    unix seconds, 0 while nobody asked for its end."""

    payer: Address
    provider: Address
    voucher_key: Address
    model_id: int
    feature_index: int
    policy_version: int
    input_price: int
    output_price: int
    deposit: int
    settled_fee: int
    settled_receipts: int
    closable_at: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """Receipts from `first_receipt` on; `gross` and the contributors' part of it, `pool`, in wei;
    `settled_at` in unix seconds."""

    channel_id: Hash32
    model_id: int
    feature_index: int
    policy_version: int
    queries_root: Hash32
    receipts_root: Hash32
    first_receipt: int
    receipts: int
    gross: int
    pool: int
    settled_at: int


@dataclass(frozen=True, slots=True)
class Post:
    """Who is paid how much of which pools: `amount_sum`, `pool` and `carry_in` in wei, `contestable_until` in
    unix seconds, `status` one of `POST_*`."""

    model_id: int
    feature_index: int
    signer: Address
    batches_hash: Hash32
    amounts_root: Hash32
    amount_sum: int
    pool: int
    carry_in: int
    contestable_until: int
    status: int
    challenger: Address


Record = TypeVar("Record", Model, FeatureIndex, Channel, Settlement, Post)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def record(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """A struct's dictionary as `kind`; raises TypeError when fields differ."""
    return kind(**{_snake(name): value for name, value in values.items()})


def policy_from_parameters(values: Mapping[str, Any]) -> Policy:
    """The Policy record behind the Solidity struct: same fields in the same order."""
    return Policy(**dict(zip((field.name for field in fields(Policy)), values.values(), strict=True)))


class EconomyReader:
    """Typed reads of the precompiles at the head (or at `block`)."""

    def __init__(self, ethereum: Ethereum) -> None:
        self.ethereum = ethereum

    async def model(self, model_id: int, block: Block = "latest") -> Model:
        return record(Model, await self.ethereum.read(MODELS, "getModel", model_id, block=block))

    async def feature_index(self, index_id: int, block: Block = "latest") -> FeatureIndex:
        found = await self.ethereum.read(MODELS, "getFeatureIndex", index_id, block=block)
        return record(FeatureIndex, found)

    async def channel(self, channel_id: bytes, block: Block = "latest") -> Channel:
        return record(Channel, await self.ethereum.read(METERING, "getChannel", channel_id, block=block))

    async def settlement(self, settlement_id: int, block: Block = "latest") -> Settlement:
        found = await self.ethereum.read(METERING, "getSettlement", settlement_id, block=block)
        return record(Settlement, found)

    async def post(self, post_id: int, block: Block = "latest") -> Post:
        return record(Post, await self.ethereum.read(ATTRIBUTION, "getPost", post_id, block=block))

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
