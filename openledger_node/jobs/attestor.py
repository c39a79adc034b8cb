"""How results of AI work return to the chain: the provider's signed transactions, one careful step at a time.

Covered: settle, post, finalize, each decided by `settlement.decide` from what the chain shows now; resuming
after a restart; back-off on passing faults. Not covered: when to settle (`gateway`), other people's posts
(a pending one of somebody else's is waited for and finalized; the validator judges it).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

import structlog

from genesis.shares import carry_taken, query_weight
from genesis.types import Hash32
from openledger_node.client.contract import Contract
from openledger_node.client.economy import ATTRIBUTION, METERING, EconomyReader
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.posts import OpenPosts
from openledger_node.client.retrieval_shares import Span
from openledger_node.client.sender import Mined, Sender
from openledger_node.clock import Clock
from openledger_node.errors import TemporaryError
from openledger_node.jobs.scheduler import JobFailedError, JobScheduler
from openledger_node.jobs.settlement import (
    ChainView,
    SettlementPlan,
    SettlementProgress,
    Step,
    decide,
    receipts_root_children,
    settlement_document,
)
from openledger_node.jobs.settlements import SettlementTable
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId, ArtifactStore, parse_id
from workers.errors import WorkerError
from workers.protocol import (
    AttributionRequest,
    AttributionResult,
    BigInt,
    QueriesRequest,
    QueriesResult,
    ReceiptInput,
    SettledBatch,
)
from workers.protocol.codec import from_json, to_json

POLL_S = 0.5
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0

log = structlog.get_logger(__name__)

Action = Callable[[SettlementPlan, SettlementProgress, ChainView], Awaitable[SettlementProgress]]


@dataclass(frozen=True, slots=True)
class AttestorParts:
    """What the attestor works with; `sender` holds the provider's key."""

    table: SettlementTable
    scheduler: JobScheduler
    artifacts: ArtifactStore
    reader: EconomyReader
    sender: Sender
    clock: Clock


class Attestor:
    """Takes plans with `submit`; `run` carries every open one to its final post."""

    def __init__(self, parts: AttestorParts) -> None:
        self._parts = parts
        self._open_posts = OpenPosts(parts.reader, parts.sender.address)
        self._posting = asyncio.Lock()
        self._wake = asyncio.Event()
        self._actions: Mapping[Step, Action] = {
            Step.COMPUTE_QUERIES: self._compute_queries,
            Step.SETTLE: self._settle,
            Step.ADOPT_SETTLEMENT: self._adopt_settlement,
            Step.GIVE_UP: self._give_up,
            Step.COMPUTE_ATTRIBUTION: self._compute_attribution,
            Step.POST: self._post,
            Step.ADOPT_POST: self._adopt_post,
            Step.FINALIZE: self._finalize,
            Step.CLOSE: self._close,
        }

    async def submit(self, plan: SettlementPlan, again: bool = False) -> bool:
        """Keep a plan and start on it; False when it is known. `again` starts one that had stopped."""
        added = await self._parts.table.add(plan, self._parts.clock.now_s())
        if again and not added:
            await self._parts.table.reopen(plan.key)
        self._wake.set()
        return added

    async def of_channel(
        self, channel_id: Hash32, settled_receipts: int, *, again: bool
    ) -> SettlementPlan | None:
        """The channel's settlement on its way to the chain; with `again` also one that had stopped."""
        for plan, progress in await self._parts.table.of_channel(channel_id):
            is_next = progress.settlement_id == 0 and plan.first_receipt == settled_receipts
            if is_next and not progress.error:
                return plan
            if again and progress.error and (is_next or progress.settlement_id):
                await self.submit(plan, again)
                return plan
        return None

    async def run(self) -> None:
        """Work on all open settlements until cancelled."""
        running: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                for plan, progress in await self._parts.table.open():
                    if plan.key not in running or running[plan.key].done():
                        running[plan.key] = group.create_task(self._carry(plan, progress), name=plan.key)
                await self._wake.wait()

    async def _carry(self, plan: SettlementPlan, progress: SettlementProgress) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                step, progress = await self._advance(plan, progress)
            except (TemporaryError, RevertedError, RemoteError) as error:
                log.warning("settlement delayed", settlement=plan.key, reason=str(error))
                await self._parts.clock.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            pause_s = FIRST_PAUSE_S
            if step is Step.STOP:
                return
            if step is Step.WAIT:
                await self._parts.clock.sleep(POLL_S)

    async def _advance(
        self, plan: SettlementPlan, progress: SettlementProgress
    ) -> tuple[Step, SettlementProgress]:
        """Look, decide, act, write down."""
        view = await self._view(plan, progress)
        step = decide(plan, progress, view)
        action = self._actions.get(step)
        if action is None:
            return step, progress
        try:
            after = await action(plan, progress, view)
        except (JobFailedError, LookupError, WorkerError) as error:
            after = replace(progress, error=str(error))
            log.error("settlement stopped", settlement=plan.key, reason=str(error))
        await self._parts.table.save(plan.key, after)
        return step, after

    async def _view(self, plan: SettlementPlan, progress: SettlementProgress) -> ChainView:
        reader = self._parts.reader
        channel = await reader.channel(plan.channel_id)
        settlement_id = progress.settlement_id
        if settlement_id == 0 and channel.settled_receipts >= plan.receipt_count:
            settlement_id = await self._find_settlement(plan)
        post_id = await reader.post_of(settlement_id) if settlement_id else 0
        waiting_wei = int(await reader.ethereum.read(ATTRIBUTION, "carryOf", plan.model_id))
        return ChainView(
            now_s=await reader.ethereum.timestamp_s(),
            settled_receipts=channel.settled_receipts,
            settlement_id=settlement_id,
            post_id=post_id,
            post=await reader.post(post_id) if post_id else None,
            carry_wei=carry_taken(waiting_wei, progress.pool_wei),
            has_open_post=bool(await self._open_posts.of_model(plan.model_id)),
        )

    async def _find_settlement(self, plan: SettlementPlan) -> int:
        events = await self._parts.reader.ethereum.events(METERING, "Settled", plan.channel_id)
        matching = [e for e in events if e.arguments["receiptsRoot"] == plan.receipts_root]
        return int(matching[-1].arguments["settlementId"]) if matching else 0

    # --- Actions ------------------------------------------------------------------------------------------

    async def _compute_queries(
        self, plan: SettlementPlan, progress: SettlementProgress, _view: ChainView
    ) -> SettlementProgress:
        policy = await self._parts.reader.policy(plan.policy_version)
        request = QueriesRequest(
            index=await self._index(plan),
            receipts=tuple(
                ReceiptInput(
                    receipt.number,
                    query_weight(receipt.fee_wei, policy.platform_ppm),
                    receipt.features,
                    receipt.response,
                )
                for receipt in plan.receipts[plan.first_receipt :]
                if receipt.features is not None
            ),
        )
        answer = await self._parts.scheduler.result("queries", to_json(request))
        result = from_json(QueriesResult, answer)
        chain_id = await self._parts.reader.ethereum.chain_id()
        document = canonical_json.encode(settlement_document(plan, chain_id, result.queries))
        name = await asyncio.to_thread(self._parts.artifacts.put, document)
        return replace(
            progress, queries=result.queries, queries_root=result.queries_root, uri=f"sha256:{name}"
        )

    async def _settle(
        self, plan: SettlementPlan, progress: SettlementProgress, _view: ChainView
    ) -> SettlementProgress:
        chain_id = await self._parts.reader.ethereum.chain_id()
        left, right = receipts_root_children(plan, chain_id)
        order = (
            plan.channel_id,
            plan.receipt_count,
            plan.cumulative_fee_wei,
            plan.receipts_root,
            plan.signature,
            left.hash,
            left.sum,
            right.hash,
            right.sum,
            progress.queries_root,
            progress.uri,
        )
        mined = await self._send_order(plan, order, chain_id)
        settlement_id = int(mined.event("Settled").arguments["settlementId"])
        return await self._settled(_noted(progress, "settle", mined.hash), settlement_id)

    async def _send_order(self, plan: SettlementPlan, order: tuple[Any, ...], chain_id: int) -> Mined:
        """Settle with what was agreed for retrieved records; without it if the chain refuses that."""
        if plan.retrieval is None:
            return await self._send(METERING, "settle", *order)
        span = Span(chain_id, plan.channel_id, plan.first_receipt, plan.receipt_count)
        shares = [astuple(each.share(span)) for each in plan.retrieval.shares]
        try:
            return await self._send(METERING, "settleWithRetrieval", order, shares, plan.retrieval.signature)
        except RevertedError as error:
            log.warning("settled without retrieved records", settlement=plan.key, reason=str(error))
            return await self._send(METERING, "settle", *order)

    async def _adopt_settlement(
        self, _plan: SettlementPlan, progress: SettlementProgress, view: ChainView
    ) -> SettlementProgress:
        return await self._settled(progress, view.settlement_id)

    async def _give_up(
        self, plan: SettlementPlan, progress: SettlementProgress, view: ChainView
    ) -> SettlementProgress:
        """Another settlement took the plan's first receipts, so the chain would refuse it for ever."""
        reason = f"the channel is settled to receipt {view.settled_receipts} by another settlement"
        log.error("settlement stopped", settlement=plan.key, reason=reason)
        return replace(progress, error=f"{reason}; settle again for what came after")

    async def _settled(self, progress: SettlementProgress, settlement_id: int) -> SettlementProgress:
        settlement = await self._parts.reader.settlement(settlement_id)
        return replace(
            progress,
            settlement_id=settlement_id,
            settled_at_s=settlement.settled_at_s,
            pool_wei=settlement.pool_wei,
        )

    async def _compute_attribution(
        self, plan: SettlementPlan, progress: SettlementProgress, view: ChainView
    ) -> SettlementProgress:
        policy = await self._parts.reader.policy(plan.policy_version)
        request = AttributionRequest(
            index=await self._index(plan),
            chain_id=await self._parts.reader.ethereum.chain_id(),
            feature_index_id=plan.feature_index,
            poster=self._parts.sender.address,
            batches=(
                SettledBatch(
                    progress.settlement_id,
                    BigInt(progress.pool_wei + view.carry_wei),
                    ArtifactId(progress.queries),
                ),
            ),
            significance_ppm=policy.significance_ppm,
            maximum_share_ppm=policy.maximum_share_ppm,
        )
        answer = await self._parts.scheduler.result("attribution", to_json(request))
        return replace(progress, attribution=answer, carry_wei=view.carry_wei)

    async def _post(
        self, plan: SettlementPlan, progress: SettlementProgress, _view: ChainView
    ) -> SettlementProgress:
        result = from_json(AttributionResult, progress.attribution)
        async with self._posting:
            if await self._open_posts.of_model(plan.model_id):
                return progress
            mined = await self._send(
                ATTRIBUTION,
                "post",
                plan.feature_index,
                [
                    (c.settlement_id, c.query_root, c.scores_root, c.score_sum, c.debts_root, c.debt_sum)
                    for c in result.batches
                ],
                progress.carry_wei,
                result.amounts_root,
                result.amount_sum,
                f"sha256:{result.post}",
            )
        post_id = int(mined.event("AttributionPosted").arguments["postId"])
        log.info("attribution posted", post=post_id, settlement=progress.settlement_id)
        return replace(_noted(progress, "post", mined.hash), post_id=post_id)

    async def _adopt_post(
        self, _plan: SettlementPlan, progress: SettlementProgress, view: ChainView
    ) -> SettlementProgress:
        return replace(progress, post_id=view.post_id)

    async def _finalize(
        self, _plan: SettlementPlan, progress: SettlementProgress, view: ChainView
    ) -> SettlementProgress:
        mined = await self._send(ATTRIBUTION, "finalize", view.post_id)
        log.info("attribution final", post=view.post_id)
        return _noted(progress, "finalize", mined.hash)

    async def _close(
        self, _plan: SettlementPlan, progress: SettlementProgress, view: ChainView
    ) -> SettlementProgress:
        """The post is final: let go of what was held of the settlement, unless somebody did."""
        closed = replace(progress, post_id=view.post_id, final=True)
        if not await self._parts.reader.held_wei(progress.settlement_id):
            return closed
        mined = await self._send(METERING, "releaseEarnings", [progress.settlement_id])
        return _noted(closed, "release", mined.hash)

    async def _index(self, plan: SettlementPlan) -> ArtifactId:
        uri = await self._parts.reader.uri_of_index(plan.feature_index, plan.model_id)
        return parse_id(uri)

    async def _send(self, contract: Contract, method: str, *arguments: Any) -> Mined:
        return await self._parts.sender.transact(contract, method, *arguments)


def _noted(progress: SettlementProgress, step: str, transaction_hash: Hash32) -> SettlementProgress:
    """`progress` with a transaction written down; a repeated step keeps the newest."""
    return replace(
        progress, transactions={**(progress.transactions or {}), step: f"0x{transaction_hash.hex()}"}
    )
