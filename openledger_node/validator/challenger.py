"""How one account challenges: salts that survive a restart, commitments, bonds and rewards taken back.

The salt of a commitment follows from the key and what is challenged, so that nothing is kept on disk and
nobody without the key can foretell it.
"""

from collections.abc import Sequence
from typing import Any

import structlog

from genesis.commitments import address_word, word
from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.client.account import Account
from openledger_node.client.economy import ATTRIBUTION, ROLE_VALIDATOR, STAKING, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.client.sender import Mined, Sender
from precompiles.views.attribution import INDEX_KEY

SALT_TEXT = b"OpenLedger challenge"

log = structlog.get_logger(__name__)


class Challenger:
    """`key` names what is challenged where commitments are hashed: a post's id, or `INDEX_KEY` + index id."""

    def __init__(self, reader: EconomyReader, sender: Sender, account: Account) -> None:
        self._reader = reader
        self._sender = sender
        self._account = account

    @property
    def address_bytes(self) -> bytes:
        """Who challenges."""
        return bytes(self._account.address)

    async def salt(self, key: int) -> bytes:
        """The same after a restart (RFC 6979 signatures)."""
        return await self.secret(SALT_TEXT + word(key))

    async def secret(self, what: bytes) -> bytes:
        """32 bytes that follow from the key, the chain and `what`, and that nobody else can make."""
        chain_id = await self._reader.ethereum.chain_id()
        digest = keccak256(what + word(chain_id))
        return keccak256(self._account.sign_digest(Hash32(digest)))

    async def commit(self, key: int) -> None:
        """Reserve a place among the challengers, once, against the policy's bond."""
        if await self.has_committed(key):
            return
        commitment = keccak256(word(key) + address_word(self._account.address) + await self.salt(key))
        method, subject = (
            ("commitIndexChallenge", key - INDEX_KEY)
            if key >= INDEX_KEY
            else (
                "commitChallenge",
                key,
            )
        )
        await self.send(method, subject, commitment, value_wei=await self.bond_wei())

    async def has_committed(self, key: int) -> bool:
        """Whether this account's commitment is on chain."""
        name, subject = (
            ("IndexChallengeCommitted", key - INDEX_KEY)
            if key >= INDEX_KEY
            else (
                "ChallengeCommitted",
                key,
            )
        )
        return await self.has_event(name, subject, self._account.address)

    async def has_event(self, name: str, *indexed: bytes | int | None) -> bool:
        """Whether attribution ever emitted such an event."""
        return bool(await self._reader.ethereum.events(ATTRIBUTION, name, *indexed))

    async def bond_wei(self) -> int:
        """What a challenge costs until it is proved."""
        _, policy = await self._reader.current_policy()
        return policy.challenge_bond_wei

    async def send(self, method: str, *arguments: Any, value_wei: int = 0) -> Mined:
        """One transaction to the attribution precompile."""
        return await self._sender.transact(ATTRIBUTION, method, *arguments, value_wei=value_wei)

    async def estimate(self, method: str, *arguments: Any) -> int:
        """Gas that is enough for a call now."""
        return await self._sender.estimate(ATTRIBUTION, method, *arguments)

    async def send_in_order(self, method: str, calls: Sequence[tuple[Sequence[Any], int]]) -> None:
        """Several, each with its gas, without a block between them."""
        await self._sender.transact_in_order(ATTRIBUTION, method, calls)

    async def settle_weight(self, validator: bytes) -> None:
        """Bring what a validator lost into the stake it is drawn by."""
        await self._sender.transact(STAKING, "checkpoint", validator, ROLE_VALIDATOR)

    async def take_reward(self) -> None:
        """What verdicts owe this account, if anything."""
        try:
            mined = await self._sender.transact(STAKING, "claimSlashReward", self._account.address)
        except RevertedError as error:
            log.info("no reward to take", reason=str(error))
            return
        log.info("reward taken", transaction=mined.hash)
