"""What a person may do with a validator's knowledge: check one post or index, challenge it, answer a demand.

The same checks, salts and moves as the validator's process, for one subject and one account at a time.
Covered: everything that falls in one transaction after a commitment, and games over sums, a move a call.
Not covered: cases before a jury (`cases`, `query_cases`), receipts by their contents.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from genesis.keccak import keccak256
from openledger_node.client.economy import ATTRIBUTION, POST_VOID, EconomyReader
from openledger_node.client.posts import batches_of_post, posted
from openledger_node.client.sender import Sender
from openledger_node.errors import UserError
from openledger_node.validator.answers import index_contents, post_contents
from openledger_node.validator.arguments import ONE_TRANSACTION, challenge_of, index_challenge
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
from openledger_node.validator.sum_games import SumGames
from precompiles.views.attribution import INDEX_KEY, INDEX_VOID
from workers.artifacts.store import ArtifactStore
from workers.errors import InvalidInputError

NOT_READABLE = "name a host that has it with --artifacts, or make its signer show it: `attribution demand`"


class Checker:
    """Reads and judges; needs no key. `artifact_urls` are hosts' `…/artifacts`, `directory` keeps copies."""

    def __init__(self, reader: EconomyReader, artifact_urls: Sequence[str], directory: Path) -> None:
        self._reader = reader
        self._documents = Documents(reader, [ArtifactStore(directory, url) for url in artifact_urls])

    async def post(self, post_id: int) -> tuple[PostInputs, Verdict]:
        """A post and what is right or wrong about it. Raises `UserError` if its documents are missing."""
        try:
            inputs = await self._post_inputs(post_id)
        except DocumentError as error:
            raise UserError(str(error), NOT_READABLE) from error
        return inputs, await asyncio.to_thread(check_post, inputs)

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
        sources = await self._documents.sources(inputs.index.model_id)
        policy = await self._reader.policy(inputs.index.policy_version)
        try:
            return await asyncio.to_thread(check_records, inputs, sources, policy.similarity_ppm)
        except InvalidInputError as error:
            return Unprovable(str(error))


class Accuser:
    """One account's challenges. Each method makes the next move and says whether the subject is void."""

    def __init__(self, reader: EconomyReader, sender: Sender) -> None:
        self._reader = reader
        self._challenger = Challenger(reader, sender, sender.account)
        games = Games(reader, self._challenger)
        self._query_games = QueryGames(games, self._challenger)
        self._sum_games = SumGames(games, self._challenger)

    async def against_post(self, inputs: PostInputs, verdict: Verdict) -> bool:
        """Raises `UserError` when there is nothing that a challenge could prove."""
        batches = await batches_of_post(self._reader, inputs.post_id)
        if isinstance(verdict, WrongQuery):
            await self._query_games.play(inputs, batches, verdict)
        elif isinstance(verdict, WrongScore | WrongAmount | LongQuery):
            await self._challenger.commit(inputs.post_id)
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
            await self._challenger.commit(key)
            method, evidence = index_challenge(verdict)
            salt = await self._challenger.salt(key)
            await self._challenger.send(method, inputs.index_id, salt, *evidence)
        else:
            raise _nothing_to_prove(f"feature index {inputs.index_id}", verdict)
        status = await self._reader.ethereum.read(ATTRIBUTION, "indexStatus", inputs.index_id)
        return int(status) == INDEX_VOID


def _nothing_to_prove(what: str, verdict: object) -> UserError:
    if isinstance(verdict, Unprovable):
        return UserError(
            f"no challenge covers what is wrong with {what}: {verdict.reason}", "see docs/economy.md"
        )
    return UserError(f"{what} is right", "do not challenge it: a challenge that fails costs its bond")
