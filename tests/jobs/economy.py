"""A small economy on the law node: a trained model with a usable index, a staked provider, a funded channel.

Data, jobs, roots and precompiles are real; only the chain around them is `LawNode`.
"""

import asyncio
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from genesis.addresses import DATANET_REGISTRY, INFERENCE_METERING, STAKING
from genesis.policy import DEV_POLICY, Policy
from genesis.shares import receipt_fee
from genesis.spec import OPEN_UNIT
from genesis.typed_data import Voucher
from genesis.types import Address, Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import DATANETS, METERING, MODELS, ROLE_PROVIDER, EconomyReader
from openledger_node.client.economy import STAKING as STAKING_CONTRACT
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.openings import Opening
from openledger_node.client.receipt_tree import ReceiptTree
from openledger_node.client.sender import Sender
from openledger_node.client.vouchers import SignedVoucher, sign_voucher
from openledger_node.jobs.ports import Progress, WorkerFailedError
from openledger_node.jobs.settlement import PaidReceipt, SettlementPlan
from tests.client.law_node import LawNode
from workers.artifacts.store import ArtifactStore
from workers.datasets.contribution import summarize
from workers.datasets.digits import demo_parts
from workers.datasets.records import encode_jsonl
from workers.errors import WorkerError
from workers.jobs.feature_index import feature_index
from workers.jobs.table import run_job
from workers.jobs.train import train
from workers.protocol import (
    DEFAULT_RECIPE,
    ContributionSource,
    DatasetVersion,
    FeatureIndexRequest,
    FeatureIndexResult,
    TrainRequest,
    TrainResult,
)

OWNER, BUILDER, CUSTOMER, PROVIDER, VALIDATOR, SECOND_PROVIDER = 0, 6, 7, 12, 13, 16
CHAIN_ID = 31338
PART_RECORDS = 40
DIMENSIONS = 128
INPUT_PRICE_WEI, OUTPUT_PRICE_WEI = 10**18, 36 * 10**18
DEPOSIT_WEI = 20 * OPEN_UNIT
STAKE_WEI = 1_000 * OPEN_UNIT


@dataclass(frozen=True)
class Trained:
    """Files and results of one small training, the same for every test of the session."""

    files: dict[str, bytes]
    model: TrainResult
    index: FeatureIndexResult
    queries: tuple[tuple[int, ...], ...]
    parts: tuple[bytes, ...]
    """What each contributor brought, from account 1 on."""


@cache
def trained(directory: str, dimensions: int = DIMENSIONS) -> Trained:
    """Train once per directory name and width; results are kept in memory."""
    store = ArtifactStore(Path(directory))
    digits = demo_parts(1, part_records=PART_RECORDS)
    parts = tuple(encode_jsonl(part) for part in digits.parts)
    version = DatasetVersion(
        CHAIN_ID,
        1,
        1,
        990_000,
        tuple(
            ContributionSource(n + 1, dev_account(n + 1).address, 10 + n, store.put(part))
            for n, part in enumerate(parts)
        ),
    )
    recipe = replace(DEFAULT_RECIPE, epochs=10, batch_size=20, classes=10)
    model = train(store, TrainRequest(version, recipe))
    index = feature_index(store, FeatureIndexRequest(model.manifest, dimensions))
    files = {path.name: path.read_bytes() for path in Path(directory).iterdir()}
    return Trained(files, model, index, tuple(tuple(r.features) for r in digits.holdout[:30]), parts)


@dataclass
class Economy:
    """A law node with everything up to an open channel."""

    node: LawNode
    store: ArtifactStore
    trained: Trained
    channel_id: Hash32
    model_id: int = 1
    index_id: int = 1

    @property
    def reader(self) -> EconomyReader:
        return EconomyReader(Ethereum(self.node))

    @property
    def provider(self) -> Address:
        return dev_account(PROVIDER).address


def open_economy(
    directory: Path, made: Trained, providers: tuple[int, ...] = (PROVIDER,), policy: Policy = DEV_POLICY
) -> Economy:
    """Register, price, index, stake and open a channel, by direct calls of the law."""
    node = LawNode(policy)
    store = ArtifactStore(directory / "artifacts")
    for data in made.files.values():
        store.put(data)
    publish_parts(node, made.parts)
    return sell(node, store, made, providers)


def publish_parts(node: LawNode, parts: tuple[bytes, ...]) -> None:
    """A published Datanet of the owner's with one contribution each of the accounts from 1 on."""
    name = ("Digits", "sha256:00", bytes(32), b"cc0".ljust(32, b"\0"), 0, 0)
    node.act(OWNER, DATANET_REGISTRY, DATANETS.calldata("createDatanet", *name))
    bond = OPEN_UNIT
    for person, part in enumerate(parts, 1):
        found = summarize(part, chain_id=CHAIN_ID, datanet_id=1, contributor=dev_account(person).address)
        contribution = (1, found.root, found.records, found.size_bytes)
        node.act(person, DATANET_REGISTRY, DATANETS.calldata("contribute", *contribution), bond)
        node.advance(3)
        node.act(person, DATANET_REGISTRY, DATANETS.calldata("reveal", person, f"sha256:{found.artifact}"))
        node.act(OWNER, DATANET_REGISTRY, DATANETS.calldata("review", person, True, 10_000))
    node.act(OWNER, DATANET_REGISTRY, DATANETS.calldata("publishVersion", 1))


def sell(
    node: LawNode, store: ArtifactStore, made: Trained, providers: tuple[int, ...] = (PROVIDER,)
) -> Economy:
    """A model of the published version with a price and an index, a stake and an open channel."""
    model, index = made.model, made.index
    hashes = (bytes.fromhex(model.model), 0, bytes.fromhex(model.manifest))
    _send(node, BUILDER, MODELS, "registerModel", *hashes, [1], [1], f"sha256:{model.manifest}")
    _send(node, BUILDER, MODELS, "setPrice", 1, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
    for account in (BUILDER, *providers):
        node.act(account, STAKING, STAKING_CONTRACT.calldata("stake", ROLE_PROVIDER), STAKE_WEI)
    _send(
        node,
        BUILDER,
        MODELS,
        "commitFeatureIndex",
        1,
        index.rows_root,
        index.sums_root,
        index.preconditioner_hash,
        index.numeric_profile,
        index.rows,
        index.contributors,
        index.dimensions,
        f"sha256:{index.index}",
    )
    node.advance(10)
    key = dev_account(CUSTOMER).address
    calldata = METERING.calldata("openChannel", dev_account(providers[0]).address, 1, key)
    outcome = node.act(CUSTOMER, INFERENCE_METERING, calldata, DEPOSIT_WEI)
    assert outcome.data is not None
    return Economy(node, store, made, Hash32(outcome.data))


def _send(node: LawNode, index: int, contract: Any, method: str, *arguments: Any) -> None:
    """A transaction with logs (unlike `node.act`), so that events can be found."""

    asyncio.run(Sender(Ethereum(node), dev_account(index)).transact(contract, method, *arguments))


def opening(features: tuple[int, ...]) -> Opening:
    """What a customer keeps of an answer: salts, input and output."""
    salts = {"promptSalt": "0x" + "51" * 32, "outputSalt": "0x" + "52" * 32}
    counts = {"tokensIn": len(features), "tokensOut": 1}
    return Opening.of({**salts, **counts}, list(features), {"label": 1, "probabilities": [0.5, 0.5]})


def paid_plan(economy: Economy, count: int, first: int = 0, hold_post_s: int = 0) -> SettlementPlan:
    """A plan over `count` receipts in all, of which `first` are settled, with the customer's voucher."""
    tree = ReceiptTree(CHAIN_ID, economy.channel_id)
    receipts = []
    for number in range(count):
        features = economy.trained.queries[number % len(economy.trained.queries)]
        fee_wei = receipt_fee(len(features), 1, INPUT_PRICE_WEI, OUTPUT_PRICE_WEI)
        hashed = opening(features).hash(economy.channel_id, number, fee_wei)
        tree.append(hashed, fee_wei)
        receipts.append(PaidReceipt(number, hashed, fee_wei, features if number >= first else None))
    signed = voucher(economy, tree)
    return SettlementPlan(
        channel_id=economy.channel_id,
        model_id=1,
        feature_index=1,
        policy_version=1,
        first_receipt=first,
        receipt_count=count,
        cumulative_fee_wei=signed.voucher.cumulative_fee_wei,
        receipts_root=signed.voucher.receipts_root,
        signature=signed.signature,
        receipts=tuple(receipts),
        hold_post_s=hold_post_s,
    )


def voucher(economy: Economy, tree: ReceiptTree, extra_wei: int = 0) -> SignedVoucher:
    """The customer's signature under a tree, allowing `extra_wei` more."""
    said = Voucher(economy.channel_id, tree.count, tree.total_fee_wei + extra_wei, tree.root().hash)
    return sign_voucher(said, dev_account(CUSTOMER), CHAIN_ID)


class InlinePool:
    """The real job functions, in a thread of the test's process."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self.workers = 1

    async def run(self, kind: str, request: Any, progress: Progress | None = None) -> Any:
        try:
            return await asyncio.to_thread(run_job, self._store, kind, request)
        except WorkerError as error:
            raise WorkerFailedError(error.code, str(error), retryable=False) from error
