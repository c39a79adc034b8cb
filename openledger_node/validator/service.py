"""How a validator watches attribution: every post is checked, a wrong one is challenged in one transaction.

A validator has an RPC URL, artefact URLs and a key of its own; nothing else, and no state on disk: what it
did is read from the chain, and the salt of a commitment follows from its key and the post.

Covered: wrong scores and amounts; restart at any point; bonds and rewards taken back. Not covered: staking
(the operator does that), posts that are wrong in a way no challenge covers yet (logged as warnings).
"""

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog

from genesis.commitments import address_word, word
from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.client.account import Account
from openledger_node.client.economy import (
    ATTRIBUTION,
    POST_FINAL,
    POST_PENDING,
    POST_VOID,
    STAKING,
    EconomyReader,
    Post,
)
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.posts import PostFeed, PostNotice
from openledger_node.client.rpc import Rpc
from openledger_node.client.sender import Sender
from openledger_node.clock import Clock, SystemClock
from openledger_node.errors import TemporaryError
from openledger_node.validator.check import check_post
from openledger_node.validator.documents import DocumentError, Documents
from openledger_node.validator.records import (
    PostInputs,
    Right,
    Unprovable,
    Verdict,
    WrongAmount,
    WrongScore,
)
from workers.artifacts.store import ArtifactStore

POLL_S = 0.5
SALT_TEXT = b"OpenLedger challenge"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ValidatorOptions:
    """`artifact_urls` are hosts' `…/artifacts`; `directory` keeps copies of what was fetched."""

    artifact_urls: tuple[str, ...]
    directory: Path


class Validator:
    """Runs until cancelled; `checked` and `challenged` are for metrics."""

    def __init__(
        self, rpc: Rpc, account: Account, options: ValidatorOptions, clock: Clock | None = None
    ) -> None:
        self._reader = EconomyReader(Ethereum(rpc))
        self._clock = clock or SystemClock()
        self._sender = Sender(self._reader.ethereum, account, self._clock)
        self._account = account
        stores = [ArtifactStore(options.directory, url) for url in options.artifact_urls]
        self._documents = Documents(self._reader, stores)
        self._feed = PostFeed(self._reader)
        self._open: dict[int, PostNotice] = {}
        self._judged: dict[int, Verdict] = {}
        self._complaints: dict[int, str] = {}
        self.checked = 0
        self.challenged = 0

    async def run(self) -> None:
        """Watch, check, challenge."""
        while True:
            try:
                await self.look()
            except (TemporaryError, RemoteError) as error:
                log.warning("validator delayed", reason=str(error))
            await self._clock.sleep(POLL_S)

    async def look(self) -> None:
        """One round over new and open posts."""
        for notice in await self._feed.new_posts():
            self._open[notice.post_id] = notice
        for notice in list(self._open.values()):
            try:
                await self._attend(notice)
            except RevertedError as error:
                log.warning("validator refused", post=notice.post_id, reason=str(error))

    async def _attend(self, notice: PostNotice) -> None:
        post = await self._reader.post(notice.post_id)
        if post.status == POST_PENDING:
            await self._judge(notice, post)
        elif post.status == POST_FINAL or (post.status == POST_VOID and await self._is_paid(notice)):
            del self._open[notice.post_id]

    async def _judge(self, notice: PostNotice, post: Post) -> None:
        verdict = self._judged.get(notice.post_id)
        if verdict is None:
            try:
                inputs = await self._documents.inputs(notice, post)
            except DocumentError as error:
                self._complain(notice.post_id, str(error))
                return
            verdict = await asyncio.to_thread(check_post, inputs)
            self._judged[notice.post_id] = verdict
            self.checked += 1
            _report(notice.post_id, inputs, verdict)
        if isinstance(verdict, (WrongScore, WrongAmount)):
            await self._challenge(notice, post, verdict)

    def _complain(self, post_id: int, reason: str) -> None:
        """Log why a post cannot be checked, once per reason."""
        if self._complaints.get(post_id) != reason:
            self._complaints[post_id] = reason
            log.warning("post cannot be checked yet", post=post_id, reason=reason)

    # --- Challenging --------------------------------------------------------------------------------------

    async def _challenge(self, notice: PostNotice, post: Post, verdict: WrongScore | WrongAmount) -> None:
        salt = self._salt(notice.post_id, await self._reader.ethereum.chain_id())
        if not await self._has_committed(notice.post_id):
            await self._commit(notice.post_id, salt)
        batches = await self._batches(notice)
        method, arguments = _arguments(notice.post_id, salt, batches, verdict)
        mined = await self._sender.transact(ATTRIBUTION, method, *arguments)
        self.challenged += 1
        log.info(
            "post voided",
            post=notice.post_id,
            signer=post.signer,
            transaction=mined.hash,
            contributor=verdict.contributor,
        )

    async def _commit(self, post_id: int, salt: bytes) -> None:
        commitment = keccak256(word(post_id) + address_word(self._account.address) + salt)
        _, policy = await self._reader.current_policy()
        await self._sender.transact(
            ATTRIBUTION, "commitChallenge", post_id, commitment, value_wei=policy.challenge_bond_wei
        )

    async def _has_committed(self, post_id: int) -> bool:
        events = await self._reader.ethereum.events(
            ATTRIBUTION, "ChallengeCommitted", post_id, self._account.address
        )
        return bool(events)

    async def _batches(self, notice: PostNotice) -> Any:
        transaction = await self._reader.ethereum.transaction(notice.event.transaction_hash)
        if transaction is None:
            raise TemporaryError(f"the transaction of post {notice.post_id} is not there")
        return ATTRIBUTION.arguments("post", bytes.fromhex(transaction["input"][2:]))["batches"]

    def _salt(self, post_id: int, chain_id: int) -> bytes:
        """The same after a restart, and known to nobody without the key (RFC 6979 signatures)."""
        digest = keccak256(SALT_TEXT + word(chain_id) + word(post_id))
        return keccak256(self._account.sign_digest(Hash32(digest)))

    # --- Bond and reward ----------------------------------------------------------------------------------

    async def _is_paid(self, notice: PostNotice) -> bool:
        """Take back the bond and the reward of a void post; True when there is nothing left to take."""
        if not await self._has_committed(notice.post_id):
            return True
        returned = await self._reader.ethereum.events(
            ATTRIBUTION, "BondReturned", notice.post_id, self._account.address
        )
        if not returned:
            try:
                await self._sender.transact(ATTRIBUTION, "withdrawBond", notice.post_id)
            except RevertedError as error:
                if error.name == "WindowOpen":
                    return False
                log.warning("bond not returned", post=notice.post_id, reason=str(error))
                return True
        await self._take_reward()
        return True

    async def _take_reward(self) -> None:
        try:
            mined = await self._sender.transact(STAKING, "claimSlashReward", self._account.address)
        except RevertedError as error:
            log.info("no reward to take", reason=str(error))
            return
        log.info("reward taken", transaction=mined.hash)


def _arguments(
    post_id: int, salt: bytes, batches: Any, verdict: WrongScore | WrongAmount
) -> tuple[str, tuple[Any, ...]]:
    """The challenge's method and arguments as `IAttribution` takes them."""
    leaf = _leaf(verdict.leaf)
    if isinstance(verdict, WrongScore):
        evidence = verdict.sum
        packed = (evidence.records, evidence.norm_squared, evidence.vector, list(evidence.proof))
        return "challengeDebt" if verdict.is_debt else "challengeScore", (
            post_id,
            salt,
            batches,
            verdict.batch,
            verdict.contributor_index,
            verdict.contributor,
            packed,
            verdict.query,
            leaf,
        )
    scores = [_leaf(score) for score in verdict.scores]
    return "challengeAmount", (
        post_id,
        salt,
        batches,
        verdict.contributor_index,
        verdict.contributor,
        scores,
        leaf,
    )


def _leaf(leaf: Any) -> tuple[bytes, int, list[bytes], list[int]]:
    fields = asdict(leaf)
    return fields["key"], fields["amount"], list(fields["siblings"]), list(fields["sibling_sums"])


def _report(post_id: int, inputs: PostInputs, verdict: Verdict) -> None:
    match verdict:
        case Right():
            log.info("post is right", post=post_id, settlements=len(inputs.batches))
        case Unprovable(reason):
            log.warning("post is wrong in a way no challenge covers", post=post_id, reason=reason)
        case WrongScore() | WrongAmount():
            log.warning(
                "post is wrong",
                post=post_id,
                challenge=_arguments(post_id, b"", (), verdict)[0],
                contributor=verdict.contributor,
                posted=verdict.posted,
                computed=verdict.computed,
            )
