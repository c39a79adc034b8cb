"""A rollup with a real L2 chain, the real L1 contracts, and accounts that play for and against its roots.

Honest accounts run the services as a node does. Each L1 transaction is a block of one second; when nobody has
anything to do, time jumps.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.keccak import keccak256
from genesis.spec import DEV_L1_CHAIN_ID, OPEN_UNIT
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.client.account import Account
from openledger_node.node.dispute_claims import ChainClaims
from openledger_node.node.l2_engine import ChainEngine
from openledger_node.node.lane import ExecutionLane
from rollup_bridge.challenger.juror import Juror
from rollup_bridge.challenger.ports import BlockOpening, Claims, Step
from rollup_bridge.challenger.records import Status
from rollup_bridge.challenger.service import Attest, Challenger
from rollup_bridge.errors import TransactionError
from rollup_bridge.ports import (
    BlockTag,
    L1Block,
    L1Inclusion,
    L1Receipt,
    L1Transaction,
    OutputParts,
)
from rollup_bridge.proposer.output_root import output_root
from rollup_bridge.validator.attestation import (
    Attestation,
    SignedAttestation,
    attest_calldata,
    attestation_digest,
)
from tests.contracts.anvil_machine import AnvilMachine
from tests.contracts.embedded import EmbeddedMachine
from tests.contracts.rollup import DISPUTES, MINIMUM_STAKE, Rollup, deploy, parameters
from tests.evm import world as l2_world
from tests.evm.world import ALICE, BOB, CAROL, ROLLUP, STORE_ADDRESS
from tests.rollup_bridge.fakes import FakeClock
from tests.rollup_bridge.l1_machine import MachineL1

INTERVAL = 4
OUTPUTS = 2
EPOCH_BLOCKS = 60
WINDOW_S = 900
PURSE_WEI = 20_000 * OPEN_UNIT
IDLE_JUMP_S = 20
L1Machine = EmbeddedMachine | AnvilMachine
TURNS = 400


@lru_cache(1)
def l2_chain() -> Chain:
    """Blocks of four transactions, a deposit first, all of them safe; nobody changes it."""
    chain = l2_world.open_chain()
    for height in range(INTERVAL * OUTPUTS):
        nonce = {"nonce": height, "value": 0, "to": STORE_ADDRESS}
        chain.import_block(
            l2_world.inputs(
                chain,
                l2_world.deposit(Address(b"\xaa" * 20), BOB.address, mint_wei=5, value_wei=5, source=height),
                ALICE.sign(ROLLUP, data=l2_world.word(height + 1), **nonce),
                BOB.sign(ROLLUP, nonce=height),
                CAROL.sign(ROLLUP, data=l2_world.word(7 * height + 1), **nonce),
            )
        )
    chain.set_heads(safe=chain.heads.unsafe.hash)
    return chain


class SharedL1(MachineL1):
    """One account's view of the chain that all of them write to."""

    def __init__(self, rollup: Rollup, sender: Address, machine: L1Machine) -> None:
        super().__init__(rollup, sender)
        self.seconds_per_transaction = 0
        self._machine = machine

    async def send(
        self,
        to: Address,
        data: bytes,
        *,
        value_wei: int = 0,
        gas: int | None = None,
        blobs: tuple[bytes, ...] = (),
    ) -> L1Inclusion:
        with self.rollup.machine.rolled_back():
            if not self.rollup.machine.transact(self.address, to, data).ok:
                raise TransactionError("the estimate reverts")
        return await super().send(to, data, value_wei=value_wei, gas=gas, blobs=blobs)

    async def block_by_number(self, number: int) -> L1Block | None:
        return None if number >= self._machine.block_number else self._machine.l1_block(number)

    async def block_by_hash(self, block_hash: Hash32) -> L1Block | None:
        raise NotImplementedError("nobody here asks")

    async def receipts(self, block_hash: Hash32) -> tuple[L1Receipt, ...]:
        return self._machine.receipts(block_hash)

    async def transactions(self, block_hash: Hash32) -> tuple[L1Transaction, ...]:
        raise NotImplementedError("nobody here asks")

    async def block_by_tag(self, tag: BlockTag) -> L1Block | None:
        return self._machine.l1_block(None)

    async def header_rlp(self, number: int) -> bytes:
        """See `Juror`."""
        return self._machine.header_rlp(number)


@dataclass
class Player:
    """An account with what it runs; `purse_wei` is what it had when the game began."""

    account: Account
    l1: SharedL1
    purse_wei: int
    services: list[Challenger | Juror] = field(default_factory=list)

    @property
    def address(self) -> Address:
        return self.account.address


class World:
    """`root(i)` is output i's right root."""

    def __init__(self, machine: L1Machine | None = None) -> None:
        self.chain = l2_chain()
        self.claims = ChainClaims(self.chain, ChainEngine(self.chain, ExecutionLane()))
        self.proposer_account = Account(keccak256(b"proposer"))
        self.machine = machine or EmbeddedMachine()
        self.rollup = self._deploy(self.machine)
        self.players: list[Player] = []
        while self.machine.block_number <= EPOCH_BLOCKS:
            self.tick()
        first = self.machine.header_rlp(EPOCH_BLOCKS)
        self.rollup.staking.send(self.proposer_account.address, "recordSeed", first)

    def _deploy(self, machine: L1Machine) -> Rollup:
        chosen = parameters(
            submission_interval=INTERVAL,
            finalization_period_s=WINDOW_S,
            unbonding_s=10_000,
            proposer=self.proposer_account.address,
            initial_validators=(self.proposer_account.address,),
            genesis_output_root=self.right_root(0),
            disputes=replace(DISPUTES, epoch_blocks=EPOCH_BLOCKS),
        )
        return deploy(machine, chosen)

    def right_root(self, l2_number: int) -> Hash32:
        """By the chain itself."""
        header = self.chain.header_by_number(l2_number)
        assert header is not None
        passer = self.chain.snapshot(header).prove(L2_TO_L1_MESSAGE_PASSER, ())
        return output_root(OutputParts(l2_number, header.state_root, passer.storage_root, header.hash))

    def root(self, index: int) -> Hash32:
        return self.right_root((index + 1) * INTERVAL)

    def tick(self, seconds: int = 1) -> None:
        self.machine.advance(seconds)

    # -- accounts

    def account_that(self, judges: bool, number: int) -> Account:
        """The `number`th account that is a juror in this epoch, or is none."""
        epoch = self.machine.block_number // EPOCH_BLOCKS
        found, candidate = -1, 0
        while True:
            account = Account(keccak256(b"player%d" % candidate))
            found += self.rollup.staking.read("isJuror", account.address, epoch) == judges
            if found == number:
                return account
            candidate += 1

    def join(self, account: Account, *, stake_wei: int = 0, purse_wei: int = PURSE_WEI) -> Player:
        """An account with OPEN, and stake if asked."""
        rollup = self.rollup
        rollup.give_open(account.address, purse_wei + stake_wei)
        if stake_wei:
            rollup.token.send(account.address, "approve", rollup.at.validator_staking, stake_wei)
            rollup.staking.send(account.address, "stake", stake_wei)
        player = Player(
            account, SharedL1(rollup, account.address, self.machine), rollup.balance(account.address)
        )
        self.players.append(player)
        return player

    def challenger(
        self, player: Player, claims: Claims | None = None, attest: Attest | None = None
    ) -> Challenger:
        """Let a player attack and defend, by the right chain unless told otherwise."""
        service = Challenger(
            self.rollup.at.output_oracle,
            claims=claims or self.claims,
            contracts=player.l1,
            l1=player.l1,
            sender=player.l1,
            clock=FakeClock(),
            attest=attest,
        )
        player.services.append(service)
        return service

    def juror(self, player: Player, claims: Claims | None = None) -> Juror:
        """Let a player judge."""

        service = Juror(
            self.rollup.at.output_oracle,
            claims=claims or self.claims,
            contracts=player.l1,
            l1=player.l1,
            sender=player.l1,
            header_rlp=player.l1.header_rlp,
            secret=keccak256(player.address),
            clock=FakeClock(),
        )
        player.services.append(service)
        return service

    def seat_jurors(self, count: int, claims: Claims | None = None, first: int = 0) -> list[Player]:
        """Staked jurors, by the right chain unless told otherwise."""
        players = [
            self.join(self.account_that(True, first + number), stake_wei=MINIMUM_STAKE, purse_wei=0)
            for number in range(count)
        ]
        for player in players:
            self.juror(player, claims)
        return players

    def proposer(self, claims: Claims | None = None) -> Player:
        """The proposer's account, defending what it proposed by these claims."""
        player = self.join(self.proposer_account)
        self.challenger(player, claims)
        return player

    def attester(self, number: int = 0) -> Player:
        """A staked account that is no juror in this epoch."""
        return self.join(self.account_that(False, number), stake_wei=MINIMUM_STAKE)

    async def attest(self, player: Player, index: int, root: Hash32) -> None:
        """Put a signature on record."""
        place = self.machine.l1_block(self.machine.block_number - 2).id
        attestation = Attestation((index + 1) * INTERVAL, root, place)
        digest = attestation_digest(DEV_L1_CHAIN_ID, self.rollup.at.validator_staking, attestation)
        signed = SignedAttestation(attestation, player.account.sign_digest(digest))
        await player.l1.send(self.rollup.at.validator_staking, attest_calldata(signed))

    def propose(self, *roots: Hash32) -> None:
        for root in roots:
            number = self.rollup.oracle.read("nextBlockNumber")
            self.rollup.oracle.send(
                self.proposer_account.address, "proposeL2Output", root, number, bytes(32), 0
            )

    # -- playing

    async def play(self, until: Callable[[], bool] | None = None) -> int:
        """Let everybody act until all disputes are over and nobody has anything to do; L1 blocks it took."""
        first, idle = self.rollup.machine.block_number, 0
        for _ in range(TURNS):
            if until is not None and until():
                return self.rollup.machine.block_number - first
            acted = [await service.look() for player in self.players for service in player.services]
            idle = 0 if any(acted) else idle + 1
            if idle and not self._has_open_challenges():
                return self.rollup.machine.block_number - first
            if idle:
                self.tick(IDLE_JUMP_S)
        raise AssertionError("the game does not end")

    def _has_open_challenges(self) -> bool:
        game = self.rollup.game
        return any(
            game.read("challengeAt", number)[12] == Status.OPEN
            for number in range(game.read("challengeCount"))
        )

    # -- what came of it

    def stands(self, index: int, root: Hash32) -> bool:
        """Whether this root is still in the oracle."""
        oracle = self.rollup.oracle
        return bool(oracle.read("nextOutputIndex") > index and oracle.read("getL2Output", index)[0] == root)

    def gain_wei(self, player: Player) -> int:
        """OPEN in hand and in credit, against the purse."""
        credit = int(self.rollup.game.read("credits", player.address))
        return self.rollup.balance(player.address) + credit - player.purse_wei

    def stake_wei(self, player: Player) -> int:
        return int(self.rollup.staking.read("activeStake", player.address))

    def bonds_held_wei(self) -> int:
        return self.rollup.balance(self.rollup.at.dispute_game)


class Lies:
    """A chain that is right up to a step of a block and wrong from then on, consistently."""

    def __init__(self, honest: Claims, number: int, step: int) -> None:
        self._honest = honest
        self._number = number
        self._step = step

    def _is_false(self, number: int, step: int) -> bool:
        return (number, step) >= (self._number, self._step)

    async def output_root(self, number: int) -> Hash32:
        right = await self._honest.output_root(number)
        return lie(right) if number >= self._number else right

    async def opening(self, number: int) -> BlockOpening:
        right = await self._honest.opening(number)
        if not self._is_false(number, 0):
            return right
        return BlockOpening(lie(right.inputs_hash), right.transaction_count, lie(right.claim))

    async def step_claim(self, number: int, step: int) -> Hash32:
        right = await self._honest.step_claim(number, step)
        return lie(right) if self._is_false(number, step) else right

    async def step_witness(self, number: int, step: int) -> bytes:
        return await self._honest.step_witness(number, step)

    async def replay(self, step: Step, witness: bytes) -> Hash32:
        """Whatever the liar's own side claims: the juror that colludes."""
        return step.claim_after


class Denies(Lies):
    """A juror that says of every step that it is wrong."""

    async def replay(self, step: Step, witness: bytes) -> Hash32:
        return lie(step.claim_after)


def lie(right: Hash32) -> Hash32:
    return keccak256(b"lie" + right)
