"""How DisputeGame and JuryVerifier on the L1 are asked and told: calldata and answers.

Source: `rollup_bridge/contracts/{DisputeGame,JuryVerifier,OutputOracle}.sol`.
"""

from typing import Any

from eth_abi.abi import decode, encode

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from rollup_bridge.challenger.moves import (
    Choose,
    JudgeInputs,
    Move,
    PostPart,
    SayMiddle,
    SayOpening,
)
from rollup_bridge.challenger.ports import Step
from rollup_bridge.challenger.records import Case, Challenge, Line, Phase, Status, Verdict, Vote
from rollup_bridge.ports import L1Contracts
from rollup_bridge.proposer.oracle import selector

_CHALLENGE = (
    "(uint256,bytes32,address,address,uint64,uint64,uint64,uint64,uint64,uint32,uint32,bytes32,uint8,bool)"
)
_LINE = (
    "(uint256,address,uint8,bool,uint64,uint64,uint64,uint64,uint64,uint64,uint64,uint64,"
    "bytes32,bytes32,bytes32,bytes32,bytes32)"
)
_CASE = "(uint64,uint64,uint64,uint32,uint32,uint32,uint32,uint32,uint32,uint32,uint8,bool,bytes32)"
_VOTE = "(bytes32,bytes32,uint32,bool,bool)"
_STEP = "(uint256,bytes32,bytes32,uint256,uint256,bytes32,bytes32,bytes32)"
_SUBMISSION = "(address,uint64,uint32)"
WITNESS_TOPIC = keccak256(b"WitnessPosted(uint256,uint256,bytes)")


def calldata(name: str, types: list[str], values: list[Any]) -> bytes:
    """A call of `name` with arguments of these types."""
    return selector(f"{name}({','.join(types)})") + encode(types, values)


def move_calldata(line_id: int, move: Move) -> bytes:
    """The transaction that makes a move."""
    match move:
        case SayMiddle(claim):
            return calldata("claim", ["uint256", "bytes32"], [line_id, claim])
        case Choose(middle_is_right):
            return calldata("choose", ["uint256", "bool"], [line_id, middle_is_right])
        case SayOpening(opening):
            values = [line_id, opening.inputs_hash, opening.transaction_count, opening.claim]
            return calldata("openBlock", ["uint256", "bytes32", "uint64", "bytes32"], values)
        case JudgeInputs(are_right):
            return calldata("judgeInputs", ["uint256", "bool"], [line_id, are_right])
        case PostPart(part, is_last):
            return calldata(
                "postWitness", ["uint256", "bytes", "bool", "bytes"], [line_id, part, is_last, b""]
            )


class _Reader:
    """Reads one contract at the L1 head. `TransactionError` where it reverts."""

    def __init__(self, address: Address, contracts: L1Contracts) -> None:
        self.address = address
        self._contracts = contracts

    async def _one(self, name: str, returns: str, types: list[str] | None = None, *values: Any) -> Any:
        answer = await self._contracts.call(self.address, calldata(name, types or [], list(values)))
        return decode([returns], answer)[0]


class GameReader(_Reader):
    """What DisputeGame says."""

    async def bond_wei(self) -> int:
        return int(await self._one("bond", "uint256"))

    async def clock_s(self) -> int:
        return int(await self._one("clockSeconds", "uint64"))

    async def verifier(self) -> Address:
        return _address(await self._one("verifier", "address"))

    async def staking(self) -> Address:
        return _address(await self._one("staking", "address"))

    async def token(self) -> Address:
        return _address(await self._one("token", "address"))

    async def credit_wei(self, account: Address) -> int:
        return int(await self._one("credits", "uint256", ["address"], account))

    async def challenge_count(self) -> int:
        return int(await self._one("challengeCount", "uint256"))

    async def line_count(self) -> int:
        return int(await self._one("lineCount", "uint256"))

    async def attester_slashed(self, submission_id: int, account: Address) -> bool:
        types = ["uint256", "address"]
        return bool(await self._one("attesterSlashed", "bool", types, submission_id, account))

    async def witness_blocks(self, line_id: int) -> tuple[int, ...]:
        """L1 blocks with the parts of a line's witness, in order."""
        return tuple(await self._one("witnessBlocksOf", "uint64[]", ["uint256"], line_id))

    async def challenge(self, challenge_id: int) -> Challenge:
        found = await self._one("challengeAt", _CHALLENGE, ["uint256"], challenge_id)
        index, root, challenger, proposer, *numbers = found
        submission_id, created, block, second, l2_number, lines, broken, l1_head, status, proven = numbers
        return Challenge(
            id=challenge_id,
            output_index=index,
            output_root=Hash32(root),
            challenger=_address(challenger),
            proposer=_address(proposer),
            submission_id=submission_id,
            created_s=created,
            proposed_block=block,
            proposed_s=second,
            l2_number=l2_number,
            lines=lines,
            broken_lines=broken,
            l1_head=Hash32(l1_head),
            status=Status(status),
            proven_wrong=proven,
        )

    async def line(self, line_id: int) -> Line:
        found = await self._one("lineAt", _LINE, ["uint256"], line_id)
        challenge_id, defender, phase, inputs_disputed, *numbers = found[:12]
        low, high, block, moved, challenger_s, defender_s, count, parts = numbers
        claims = [Hash32(claim) for claim in found[12:]]
        return Line(
            line_id,
            challenge_id,
            _address(defender),
            Phase(phase),
            inputs_disputed,
            low,
            high,
            block,
            moved,
            challenger_s,
            defender_s,
            count,
            parts,
            *claims,
        )


class JuryReader(_Reader):
    """What JuryVerifier says."""

    async def verdict(self, case_id: int) -> Verdict:
        """Any verifier answers this."""
        return Verdict(await self._one("verdict", "uint8", ["uint256"], case_id))

    async def case(self, case_id: int) -> Case:
        found = await self._one("caseOf", _CASE, ["uint256"], case_id)
        draw, commit, reveal, round_, seats, committed, revealed, right, *_, verdict, paid, claim = found
        progress = (seats, committed, revealed, right)
        return Case(draw, commit, reveal, round_, *progress, Verdict(verdict), paid, Hash32(claim))

    async def vote(self, case_id: int, round_: int, juror: Address) -> Vote:
        types = ["uint256", "uint256", "address"]
        commitment, value, *rest = await self._one("voteOf", _VOTE, types, case_id, round_, juror)
        return Vote(Hash32(commitment), Hash32(value), *rest)

    async def jurors(self, case_id: int, round_: int) -> tuple[Address, ...]:
        """Everybody drawn in a round."""
        found = await self._one("jurorsOf", "address[]", ["uint256", "uint256"], case_id, round_)
        return tuple(_address(juror) for juror in found)

    async def step(self, case_id: int) -> Step:
        found = await self._one("stepOf", _STEP, ["uint256"], case_id)
        number, l1_head, inputs_hash, count, step, before, after, witness = found
        hashes = (Hash32(before), Hash32(after), Hash32(witness))
        return Step(number, Hash32(l1_head), Hash32(inputs_hash), count, step, *hashes)


class OracleDisputes(_Reader):
    """What OutputOracle says about who submitted what."""

    async def dispute_game(self) -> Address:
        return _address(await self._one("disputeGame", "address"))

    async def output_count(self) -> int:
        return int(await self._one("nextOutputIndex", "uint256"))

    async def submission(self, index: int) -> tuple[Address, int, int]:
        """Proposer, identity and L1 block of an output."""
        proposer, identity, l1_block = await self._one("submission", _SUBMISSION, ["uint256"], index)
        return _address(proposer), identity, l1_block


class TokenReader(_Reader):
    """What an ERC-20 says."""

    async def balance_wei(self, owner: Address) -> int:
        return int(await self._one("balanceOf", "uint256", ["address"], owner))

    async def allowance_wei(self, owner: Address, spender: Address) -> int:
        return int(await self._one("allowance", "uint256", ["address", "address"], owner, spender))


def _address(value: Any) -> Address:
    return Address(bytes.fromhex(value[2:]) if isinstance(value, str) else bytes(value))
