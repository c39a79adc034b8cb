"""What `openledger-node rollup disputes` shows: every dispute about an output root, as the L1 has it."""

import sys
from pathlib import Path
from typing import Any

import orjson

from genesis.spec import DEV_L1_CHAIN_ID
from openledger_node.errors import UserError
from openledger_node.l1.client import L1Client
from openledger_node.node.network_files import load_rollup_config
from rollup_bridge.challenger.contracts import GameReader, JuryReader, OracleDisputes
from rollup_bridge.challenger.records import Challenge, Line, Phase, Status
from rollup_bridge.errors import TemporaryError, TransactionError


async def show_disputes(l1_url: str, rollup_config: Path, *, only_open: bool) -> None:
    """Print them as JSON. Raises `UserError` for an L1 that does not answer, or without these contracts."""
    config = load_rollup_config(rollup_config)
    urls = [url.strip() for url in l1_url.split(",")]
    try:
        async with L1Client(urls, is_development=config.l1_chain_id == DEV_L1_CHAIN_ID) as l1:
            address = await OracleDisputes(config.output_oracle, l1).dispute_game()
            game = GameReader(address, l1)
            jury = JuryReader(await game.verifier(), l1)
            found = await _disputes(game, jury, only_open=only_open)
    except (TemporaryError, TransactionError) as error:
        raise UserError(f"the L1 does not tell of disputes ({error})", "check --l1.url") from None
    shown = {"disputeGame": _hex(game.address), "verifier": _hex(jury.address), "challenges": found}
    sys.stdout.buffer.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2) + b"\n")


async def _disputes(game: GameReader, jury: JuryReader, *, only_open: bool) -> list[dict[str, Any]]:
    challenges = [await game.challenge(number) for number in range(await game.challenge_count())]
    lines = [await game.line(number) for number in range(await game.line_count())]
    return [
        _challenge(challenge)
        | {"lines": [await _line(line, jury) for line in lines if line.challenge_id == challenge.id]}
        for challenge in challenges
        if challenge.status is Status.OPEN or not only_open
    ]


def _challenge(challenge: Challenge) -> dict[str, Any]:
    return {
        "id": challenge.id,
        "status": challenge.status.name.lower(),
        "outputIndex": challenge.output_index,
        "outputRoot": _hex(challenge.output_root),
        "l2BlockNumber": challenge.l2_number,
        "proposer": _hex(challenge.proposer),
        "challenger": _hex(challenge.challenger),
        "createdAt": challenge.created_s,
        "l1Head": _hex(challenge.l1_head),
        "provenWrong": challenge.proven_wrong,
    }


async def _line(line: Line, jury: JuryReader) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": line.id,
        "defender": _hex(line.defender),
        "phase": line.phase.name.lower(),
        "between": [line.low, line.high],
        "about": f"steps of block {line.block_number}" if line.is_about_steps else "blocks",
        "moveUntil": line.deadline_s(),
    }
    if line.phase is Phase.VERDICT:
        case = await jury.case(line.id)
        shown["jury"] = {
            "round": case.round,
            "seats": case.seats,
            "committed": case.committed_seats,
            "revealed": case.revealed_seats,
            "verdict": case.verdict.name.lower(),
        }
    return shown


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
