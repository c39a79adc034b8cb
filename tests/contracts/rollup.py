"""The L1 contracts deployed by their plan into a bare EVM, and withdrawals to prove in them."""

from dataclasses import dataclass
from typing import Any

import rlp
from eth_abi.abi import encode
from trie.hexary import HexaryTrie

from genesis.keccak import keccak256
from genesis.networks import Disputes, Rewards
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Wei
from rollup_bridge.deploy import (
    ARTIFACTS,
    Deployment,
    DeploymentParameters,
    plan_deployment,
    predict_deployment,
)
from tests.contracts.machine import START_S, Contract, Machine, Outcome


def account(number: int) -> Address:
    return Address(number.to_bytes(20, "big"))


DEPLOYER, OWNER, BATCHER, PROPOSER, SIGNER = (account(0xD0 + i) for i in range(5))
ALICE, BOB = account(0xA11CE), account(0xB0B)
GENESIS_ALLOCATION = Wei(1_000_000 * OPEN_UNIT)
FINALIZATION_PERIOD_S = 100
SUBMISSION_INTERVAL = 5
PROPOSER_GRACE_S = 3_600
MINIMUM_STAKE = Wei(1_000 * OPEN_UNIT)
DISPUTES = Disputes(
    bond_wei=500 * OPEN_UNIT,
    clock_s=300,
    jury_commit_s=60,
    jury_reveal_s=60,
    jury_seat_fee_wei=OPEN_UNIT,
    epoch_blocks=50,
)
REWARDS = Rewards(per_output_wei=OPEN_UNIT, fund_wei=100 * OPEN_UNIT, window_s=60)
UNBONDING_S = 1_200
GENESIS_OUTPUT_ROOT = keccak256(b"genesis output")
L2_BLOCK_TIME_S = 2
GENESIS_TIME_S = START_S - 1_000


def parameters(**changes: Any) -> DeploymentParameters:
    defaults: dict[str, Any] = {
        "deployer": DEPLOYER,
        "first_nonce": 0,
        "owner": OWNER,
        "batcher": BATCHER,
        "proposer": PROPOSER,
        "unsafe_block_signer": SIGNER,
        "l2_chain_id": 31338,
        "l2_genesis_number": 0,
        "l2_genesis_time_s": GENESIS_TIME_S,
        "l2_block_time_s": L2_BLOCK_TIME_S,
        "l2_gas_limit": 30_000_000,
        "l2_genesis_allocation_wei": GENESIS_ALLOCATION,
        "submission_interval": SUBMISSION_INTERVAL,
        "finalization_period_s": FINALIZATION_PERIOD_S,
        "proposer_grace_s": PROPOSER_GRACE_S,
        "minimum_validator_stake_wei": MINIMUM_STAKE,
        "unbonding_s": UNBONDING_S,
        "base_fee_scalar": 1_000,
        "blob_base_fee_scalar": 2_000,
        "disputes": DISPUTES,
        "rewards": REWARDS,
        "genesis_output_root": GENESIS_OUTPUT_ROOT,
        "initial_validators": (PROPOSER,),
    }
    return DeploymentParameters(**(defaults | changes))


@dataclass(frozen=True)
class Rollup:
    """One deployed rollup; `at` is where the plan said its contracts would be."""

    machine: Machine
    at: Deployment
    token: Contract
    vault: Contract
    portal: Contract
    oracle: Contract
    system_config: Contract
    staking: Contract
    messenger: Contract
    bridge: Contract
    game: Contract
    jury: Contract
    rewards: Contract

    def propose(self, output_root: bytes) -> int:
        """Propose the next output; returns its index."""
        index: int = self.oracle.read("nextOutputIndex")
        self.oracle.send(
            PROPOSER, "proposeL2Output", output_root, self.oracle.read("nextBlockNumber"), bytes(32), 0
        )
        return index

    def delete_from(self, index: int) -> Outcome:
        """What a lost dispute does to outputs."""
        return self.oracle.send(self.at.dispute_game, "deleteL2Outputs", index)

    def give_open(self, recipient: Address, amount: int) -> None:
        self.token.send(DEPLOYER, "transfer", recipient, amount)

    def approve(self, owner: Address, amount: int) -> None:
        self.token.send(owner, "approve", self.at.portal, amount)

    def balance(self, holder: Address) -> int:
        return int(self.token.read("balanceOf", holder))


def deploy(machine: Machine, chosen: DeploymentParameters | None = None) -> Rollup:
    """Send the planned transactions; each must succeed and land at its predicted address."""
    chosen = chosen or parameters()
    for transaction in plan_deployment(chosen):
        assert machine.state.get_nonce(chosen.deployer) == transaction.nonce
        outcome = machine.transact(
            chosen.deployer, transaction.to, transaction.data, gas=transaction.gas_limit
        )
        assert outcome.ok, f"{transaction.label}: {outcome.output.hex()}"
        machine.advance(1)
    at = predict_deployment(chosen)
    return Rollup(
        machine,
        at,
        token=Contract.at(machine, at.open_token, ARTIFACTS, "OpenToken"),
        vault=Contract.at(machine, at.open_vault, ARTIFACTS, "OpenVault"),
        portal=Contract.at(machine, at.portal, ARTIFACTS, "Portal"),
        oracle=Contract.at(machine, at.output_oracle, ARTIFACTS, "OutputOracle"),
        system_config=Contract.at(machine, at.system_config, ARTIFACTS, "SystemConfig"),
        staking=Contract.at(machine, at.validator_staking, ARTIFACTS, "ValidatorStaking"),
        messenger=Contract.at(machine, at.l1_messenger, ARTIFACTS, "L1CrossDomainMessenger"),
        bridge=Contract.at(machine, at.l1_bridge, ARTIFACTS, "L1StandardBridge"),
        game=Contract.at(machine, at.dispute_game, ARTIFACTS, "DisputeGame"),
        jury=Contract.at(machine, at.jury_verifier, ARTIFACTS, "JuryVerifier"),
        rewards=Contract.at(machine, at.attestation_rewards, ARTIFACTS, "AttestationRewards"),
    )


@dataclass(frozen=True)
class Withdrawal:
    """The fields of a withdrawal, in the order the contracts take them."""

    nonce: int
    sender: Address
    target: Address
    value: int
    gas_limit: int
    data: bytes

    def fields(self) -> tuple[Any, ...]:
        return (self.nonce, self.sender, self.target, self.value, self.gas_limit, self.data)

    def hash(self) -> bytes:
        return keccak256(
            encode(["uint256", "address", "address", "uint256", "uint256", "bytes"], self.fields())
        )

    def slot(self) -> bytes:
        """Where the message passer marks it."""
        return keccak256(self.hash() + bytes(32))


def withdrawal(nonce: int = 0, **changes: Any) -> Withdrawal:
    defaults: dict[str, Any] = {
        "nonce": (1 << 240) | nonce,
        "sender": ALICE,
        "target": BOB,
        "value": 7 * OPEN_UNIT,
        "gas_limit": 0,
        "data": b"",
    }
    return Withdrawal(**(defaults | changes))


@dataclass(frozen=True)
class ProvenOutput:
    """An output root and what stands behind it."""

    root: bytes
    proof: tuple[bytes, bytes, bytes, bytes]
    trie: HexaryTrie

    def nodes(self, proven: Withdrawal) -> list[bytes]:
        """The proof that `proven` is marked (or, if it is not, the proof of that)."""
        trie: Any = self.trie
        return [rlp.encode(node) for node in trie.get_proof(keccak256(proven.slot()))]


def output_with(*withdrawals: Withdrawal, value: bytes = b"\x01", others: int = 40) -> ProvenOutput:
    """An output root over a message passer that holds these withdrawals and `others` more."""
    trie = HexaryTrie({})
    trie[keccak256((1).to_bytes(32, "big"))] = rlp.encode(len(withdrawals) + others)
    for number in range(others):
        trie[keccak256(withdrawal(10_000 + number).slot())] = rlp.encode(b"\x01")
    for each in withdrawals:
        trie[keccak256(each.slot())] = rlp.encode(value)
    proof = (bytes(32), keccak256(b"state"), trie.root_hash, keccak256(b"block"))
    return ProvenOutput(keccak256(b"".join(proof)), proof, trie)
