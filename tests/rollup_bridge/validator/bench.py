"""A validator on the real ValidatorStaking and OutputOracle, with heads and outputs that the test sets."""

from collections.abc import Callable
from dataclasses import replace

import rlp

from genesis.keccak import keccak256
from genesis.spec import DEV_L1_CHAIN_ID, BlockId
from genesis.types import Hash32
from openledger_node.client.account import Account
from rollup_bridge.ports import L1Block, OutputParts, SyncStatus
from rollup_bridge.proposer.oracle import OracleReader
from rollup_bridge.proposer.output_root import output_root
from rollup_bridge.validator.attestation import Attestation, SignedAttestation
from rollup_bridge.validator.attester import Attester, Identity
from rollup_bridge.validator.staking import StakingReader
from tests.contracts.rollup import DISPUTES, MINIMUM_STAKE, Rollup
from tests.rollup_bridge.fakes import FakeClock
from tests.rollup_bridge.l1_machine import MachineL1
from tests.rollup_bridge.proposer.test_service import l2, parts

ZERO = Hash32(bytes(32))
HEAD = 140
EPOCH = HEAD // DISPUTES.epoch_blocks


class Recorded:
    """A signing record in memory."""

    def __init__(self) -> None:
        self.signed: list[Attestation] = []

    async def sign(
        self, attestation: Attestation, digest: Hash32, sign: Callable[[Hash32], bytes]
    ) -> SignedAttestation:
        self.signed.append(attestation)
        return SignedAttestation(attestation, sign(digest))


class Bench:
    """`account` attests, juror in no epoch unless the test chooses another."""

    def __init__(self, rollup: Rollup, account: Account) -> None:
        self.rollup = rollup
        self.account = account
        machine = rollup.machine
        machine.context._block_number = HEAD
        self.headers = {number: header(number) for number in range(HEAD)}
        machine.set_ancestor_hashes([keccak256(self.headers[n]) for n in range(HEAD - 1, HEAD - 120, -1)])
        self.final = l1_block(self.headers, HEAD - 2)
        self.status = SyncStatus(
            self.final, l1_block(self.headers, HEAD - 1), self.final, self.final, l2(0), l2(0), l2(0)
        )
        self.l1 = MachineL1(rollup, account.address)
        self.l1.seconds_per_transaction = 0
        self.staking = StakingReader(rollup.at.validator_staking, self.l1)
        self.oracle = OracleReader(rollup.at.output_oracle, self.l1)
        self.record = Recorded()
        self.attester = Attester(
            Identity(account.address, DEV_L1_CHAIN_ID, account.sign_digest),
            oracle=self.oracle,
            staking=self.staking,
            status=self,
            outputs=self,
            record=self.record,
            sender=self.l1,
            header_rlp=self.header_rlp,
            clock=FakeClock(),
        )

    def stake(self, amount: int = MINIMUM_STAKE) -> None:
        rollup = self.rollup
        rollup.give_open(self.account.address, amount)
        rollup.token.send(self.account.address, "approve", rollup.at.validator_staking, amount)
        rollup.staking.send(self.account.address, "stake", amount)

    def propose(self, count: int, root: bytes | None = None) -> None:
        """Outputs as they should be, or of one root."""
        for _ in range(count):
            number = self.rollup.oracle.read("nextBlockNumber")
            self.rollup.propose(root or output_root(parts(number)))

    def finalize(self, l2_number: int) -> None:
        self.status = replace(self.status, finalized_l2=l2(l2_number))

    async def sync_status(self) -> SyncStatus:
        return self.status

    async def output_parts(self, number: int) -> OutputParts:
        return parts(number)

    async def header_rlp(self, number: int) -> bytes:
        return self.headers[number]


def header(number: int) -> bytes:
    """An L1 header as far as the epoch's draw reads it."""
    fields = [bytes(32)] * 7 + [
        b"",
        number,
        30_000_000,
        0,
        number,
        b"",
        keccak256(b"%d" % number),
        bytes(8),
        7,
    ]
    return bytes(rlp.encode(fields))


def l1_block(headers: dict[int, bytes], number: int) -> L1Block:
    return L1Block(keccak256(headers[number]), number, ZERO, 0, 1, 1, ZERO, ZERO)


def place(number: int) -> BlockId:
    return BlockId(keccak256(header(number)), number)


def account_that(judges: bool, first: int = 1) -> Account:
    """A key whose account is a juror in the bench's epoch, or is none."""
    first_block = EPOCH * DISPUTES.epoch_blocks
    seed = keccak256(keccak256(b"%d" % first_block) + first_block.to_bytes(32, "big"))
    number = first
    while True:
        account = Account(keccak256(b"validator%d" % number))
        drawn = keccak256(seed + bytes(12) + account.address)
        if (int.from_bytes(drawn, "big") % 2 == 0) == judges:
            return account
        number += 1
