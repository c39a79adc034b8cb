"""What a person may do with a validator's knowledge: check one post or index, challenge it, answer a demand.

The same checks, salts and moves as the validator's process, for one subject and one account at a time.
Covered: everything that falls in one transaction after a commitment, found here or named by a person
(`suspicions`, `passages`), games over sums, a move a call, cases about rows and preconditioners.
Not covered: cases about a receipt's query (`query_cases`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.client.economy import ATTRIBUTION, POST_VOID, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.client.explanations import SignedExplanation
from openledger_node.client.posts import posted
from openledger_node.client.sender import Sender
from openledger_node.errors import UserError
from openledger_node.validator.answers import index_contents, post_contents
from openledger_node.validator.arguments import ONE_TRANSACTION, challenge_of, index_challenge
from openledger_node.validator.cases import Accusation, Cases
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.check import check_post
from openledger_node.validator.documents import DocumentError, Documents
from openledger_node.validator.games import Games
from openledger_node.validator.index_check import IndexInputs, IndexVerdict, WrongSum, check_index
from openledger_node.validator.query_games import QueryGames
from openledger_node.validator.record_check import RecordVerdict, check_records
from openledger_node.validator.records import (
    LongQuery,
    PostInputs,
    Right,
    Unprovable,
    Verdict,
    WrongAmount,
    WrongQuery,
    WrongScore,
)
from openledger_node.validator.sources import Sources
from openledger_node.validator.sum_games import SumGames
from openledger_node.validator.suspicions import Proof
from openledger_node.validator.tallies import commit_and_tally
from precompiles.views.attribution import INDEX_KEY, INDEX_VOID
from precompiles.views.spans import span_commitment
from workers.artifacts.store import ArtifactStore
from workers.errors import ArtifactError, InvalidInputError

PASSAGE_TEXT = b"OpenLedger passage"
NOT_READABLE = "name a host that has it with --artifacts, or make its signer show it: `attribution demand`"


def artifact_stores(urls: Sequence[str], directory: Path) -> list[ArtifactStore]:
    """Hosts to read documents from, with copies in `directory`; raises UserError for what is no such host."""
    try:
        return [ArtifactStore(directory, url) for url in urls]
    except ArtifactError as error:
        raise UserError(str(error), "name a host as http://…/artifacts") from None


class Checker:
    """Reads and judges; needs no key. `artifact_urls` are hosts' `…/artifacts`, `directory` keeps copies."""

    def __init__(self, reader: EconomyReader, artifact_urls: Sequence[str], directory: Path) -> None:
        self._reader = reader
        self._documents = Documents(reader, artifact_stores(artifact_urls, directory))

    async def post(self, post_id: int) -> tuple[PostInputs, Verdict]:
        """A post and what is right or wrong about it. Raises `UserError` if its documents are missing."""
        try:
            notice = await posted(self._reader, post_id)
            inputs = await self._documents.published(notice, await self._reader.post(post_id))
        except DocumentError as error:
            raise UserError(str(error), NOT_READABLE) from error
        verdict = await asyncio.to_thread(check_post, inputs)
        if isinstance(verdict, Unprovable) and inputs.missing:
            raise UserError(inputs.missing, NOT_READABLE)
        return inputs, verdict

    async def index(self, index_id: int) -> tuple[IndexInputs, IndexVerdict | RecordVerdict]:
        """The same for a feature index: its rows and sums, then the records behind it."""
        try:
            inputs = await self._documents.index_inputs(index_id)
            verdict = await asyncio.to_thread(check_index, inputs)
            if isinstance(verdict, Right):
                return inputs, await self._records(inputs)
        except DocumentError as error:
            raise UserError(str(error), NOT_READABLE) from error
        return inputs, verdict

    async def sources(self, model_id: int) -> Sources:
        """The records behind a model, as far as their files are to be had. Raises `UserError`."""
        try:
            return await self._documents.served_sources(model_id)
        except DocumentError as error:
            raise UserError(str(error), NOT_READABLE) from error

    async def index_inputs(self, index_id: int) -> IndexInputs:
        """An index's rows and sums, not judged. Raises `UserError` if its documents are missing."""
        try:
            return await self._documents.index_inputs(index_id)
        except DocumentError as error:
            raise UserError(str(error), NOT_READABLE) from error

    async def post_inputs(self, post_id: int) -> PostInputs:
        """The same of a post."""
        try:
            return await self._post_inputs(post_id)
        except DocumentError as error:
            raise UserError(str(error), NOT_READABLE) from error

    async def content(self, key: int, content_hash: bytes) -> bytes:
        """What was committed under a hash, out of the published documents. Raises `UserError`."""
        try:
            contents = (
                index_contents(await self._documents.index_inputs(key - INDEX_KEY))
                if key >= INDEX_KEY
                else post_contents(await self._post_inputs(key))
            )
        except DocumentError as error:
            raise UserError(str(error), NOT_READABLE) from error
        found = await asyncio.to_thread(
            lambda: next((each for each in contents if keccak256(each) == content_hash), None)
        )
        if found is None:
            raise UserError(
                f"no published document holds 0x{content_hash.hex()}", "give it with --content if you have it"
            )
        return found

    async def _post_inputs(self, post_id: int) -> PostInputs:
        notice = await posted(self._reader, post_id)
        return await self._documents.inputs(notice, await self._reader.post(post_id))

    async def _records(self, inputs: IndexInputs) -> RecordVerdict | Unprovable:
        sources = await self._documents.served_sources(inputs.index.model_id)
        policy = await self._reader.policy(inputs.index.policy_version)
        try:
            found = await asyncio.to_thread(check_records, inputs, sources, policy.similarity_ppm)
            if isinstance(found, Right):
                sources.assert_served()
        except InvalidInputError as error:
            return Unprovable(str(error))
        return found


class Accuser:
    """One account's challenges. Each method makes the next move and says whether the subject is void."""

    def __init__(self, reader: EconomyReader, sender: Sender) -> None:
        self._reader = reader
        self._challenger = Challenger(reader, sender, sender.account)
        games = Games(reader, self._challenger)
        self._query_games = QueryGames(games, self._challenger)
        self._sum_games = SumGames(games, self._challenger)
        self._cases = Cases(reader, self._challenger)

    async def bond_wei(self) -> int:
        """What a challenge costs until it is proved."""
        return await self._challenger.bond_wei()

    async def prove_of_post(self, post_id: int, proof: Proof) -> bool:
        """Commit and prove what somebody suspects of a post; True if it is void then."""
        batches = (await posted(self._reader, post_id)).batches
        await self._challenger.commit(post_id)
        salt = await self._challenger.salt(post_id)
        await self._challenger.send(proof.method, post_id, salt, batches, *proof.evidence)
        return (await self._reader.post(post_id)).status == POST_VOID

    async def prove_of_index(self, index_id: int, proof: Proof) -> bool:
        """The same of an index."""
        key = INDEX_KEY + index_id
        await commit_and_tally(self._reader, self._challenger, key, proof.verdict)
        salt = await self._challenger.salt(key)
        await self._challenger.send(proof.method, index_id, salt, *proof.evidence)
        return await self._is_void(index_id)

    async def prove_of_passage(self, signed: SignedExplanation, proof: Proof) -> bool:
        """Commit to an explanation, and prove it false in a later block; True if that is done."""
        digest = signed.digest(await self._reader.ethereum.chain_id())
        salt = await self._challenger.secret(PASSAGE_TEXT + digest)
        commitment = span_commitment(digest, Address(self._challenger.address_bytes), Hash32(salt))
        if not await self._challenger.has_event(
            "SpanChallengeCommitted", self._challenger.address_bytes, commitment
        ):
            await self._challenger.send("commitSpanChallenge", commitment)
        about = tuple(asdict(signed.explanation).values())
        said = (salt, about, [tuple(asdict(span).values()) for span in signed.spans], signed.signature)
        try:
            await self._challenger.send(proof.method, *said, *proof.evidence)
        except RevertedError as error:
            if error.name == "NotDueYet":
                return False
            raise
        return True

    async def play_sum_game(self, inputs: IndexInputs, suspected: WrongSum) -> bool:
        """The next move of a game over a contributor's sum; True if the index is void."""
        await self._sum_games.play(inputs, suspected)
        return await self._is_void(inputs.index_id)

    async def against_post(self, inputs: PostInputs, verdict: Verdict) -> bool:
        """Raises `UserError` when there is nothing that a challenge could prove."""
        batches = (await posted(self._reader, inputs.post_id)).batches
        if isinstance(verdict, WrongQuery):
            await self._query_games.play(inputs, batches, verdict)
        elif isinstance(verdict, WrongScore | WrongAmount | LongQuery):
            await commit_and_tally(self._reader, self._challenger, inputs.post_id, verdict)
            salt = await self._challenger.salt(inputs.post_id)
            method, arguments = challenge_of(inputs, salt, batches, verdict)
            await self._challenger.send(method, *arguments)
        else:
            raise _nothing_to_prove(f"post {inputs.post_id}", verdict)
        return (await self._reader.post(inputs.post_id)).status == POST_VOID

    async def against_index(self, inputs: IndexInputs, verdict: IndexVerdict | RecordVerdict) -> bool:
        """The same for a feature index."""
        if isinstance(verdict, WrongSum):
            await self._sum_games.play(inputs, verdict)
        elif isinstance(verdict, ONE_TRANSACTION):
            key = INDEX_KEY + inputs.index_id
            await commit_and_tally(self._reader, self._challenger, key, verdict)
            method, evidence = index_challenge(verdict)
            salt = await self._challenger.salt(key)
            await self._challenger.send(method, inputs.index_id, salt, *evidence)
        else:
            raise _nothing_to_prove(f"feature index {inputs.index_id}", verdict)
        return await self._is_void(inputs.index_id)

    async def accuse(self, inputs: IndexInputs, place: int | None) -> int:
        """Bring a row, or the preconditioner where `place` is None, before a jury; returns the case's id.

        Raises `UserError` where nobody could judge, or the same case is open.
        """
        before = self._cases.opened
        await self._cases.accuse(inputs, Accusation(place))
        if self._cases.opened == before:
            raise UserError(
                "no case was opened: somebody opened the same, or nobody but the parties has validator stake",
                "see `attribution case show`, or let another validator stake",
            )
        key = INDEX_KEY + inputs.index_id
        events = await self._reader.ethereum.events(ATTRIBUTION, "JuryCaseOpened", None, key)
        return int(events[-1].arguments["caseId"])

    async def _is_void(self, index_id: int) -> bool:
        status = await self._reader.ethereum.read(ATTRIBUTION, "indexStatus", index_id)
        return int(status) == INDEX_VOID


def _nothing_to_prove(what: str, verdict: object) -> UserError:
    if isinstance(verdict, Unprovable):
        return UserError(
            f"no challenge covers what is wrong with {what}: {verdict.reason}", "see docs/economy.md"
        )
    return UserError(f"{what} is right", "do not challenge it: a challenge that fails costs its bond")
