"""`attribution challenge receipt|weight|row|…` and `case`: suspicions, as commands, against the law."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genesis.commitments import receipt_hash
from genesis.keccak import keccak256
from genesis.policy import DEV_POLICY
from genesis.shares import query_weight
from genesis.typed_data import Explanation, Span
from genesis.types import Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION, POST_VOID
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.explanations import output_of, sign_explanation
from openledger_node.client.receipt_tree import ReceiptTree
from precompiles.views.attribution import INDEX_VOID
from tests.jobs.economy import CHAIN_ID, PROVIDER, Economy, paid_plan, voucher
from tests.validator.conftest import Run
from tests.validator.forging import FORGER, forged_model, stake_a_juror, stating
from tests.validator.indexing import commit, published, with_norm, with_sum
from tests.validator.posting import right_post, send_post, send_settlement
from tests.validator.test_sketches import forged, kept_place
from workers.artifacts.store import ArtifactId
from workers.attribution.index import sums_of
from workers.jobs.queries import queries
from workers.protocol import QueriesRequest, ReceiptInput

BOND_WEI = DEV_POLICY.challenge_bond_wei


def index_status(economy: Economy, number: str) -> int:
    return int(asyncio.run(Ethereum(economy.node).read(ATTRIBUTION, "indexStatus", int(number))))


def broken(economy: Economy, fault: str) -> tuple[str, list[str]]:
    """An index with one fault, and the words that name it."""
    rows, sums = published(economy)
    duplicate = int(np.flatnonzero(~rows.canonical_mask)[0])
    original = int(rows.canonical[duplicate])
    words = [str(original)]
    if fault == "row":
        rows.mantissas[original, 3] = -128
    elif fault == "owner":
        rows.owners[original] = 1 if int(rows.owners[original]) == 0 else 0
    elif fault == "duplicate":
        rows.canonical[duplicate], words = duplicate, [str(duplicate), str(original)]
    changed = sums_of(rows, sums.contributors)
    if fault == "norm":
        changed, words = with_norm(changed, 1, 1), ["1"]
    elif fault == "sum":
        changed, words = with_sum(changed, 2, 17, 1), ["2", "17"]
    return str(asyncio.run(commit(economy, rows, changed))), words


@pytest.mark.parametrize("fault", ["row", "norm", "owner", "duplicate"])
def test_a_fault_that_is_named_is_proved(economy: Economy, run: Run, fault: str) -> None:
    number, words = broken(economy, fault)
    before = asyncio.run(Ethereum(economy.node).block_number())
    said = run("challenge", fault, number, *words, "--dry-run")
    assert (said["proved"], int(said["bond"])) == (False, BOND_WEI)
    assert asyncio.run(Ethereum(economy.node).block_number()) == before
    assert run("challenge", fault, number, *words)["proved"] is True
    assert index_status(economy, number) == INDEX_VOID


def test_a_game_over_a_sum_is_named_too(economy: Economy, run: Run) -> None:
    number, words = broken(economy, "sum")
    said = run("challenge", "sum", number, *words, "--dry-run")
    assert said["method"] == "openSumGame"


@pytest.mark.parametrize(
    "words",
    [
        ("row", "1", "0"),
        ("norm", "1", "0"),
        ("count", "1"),
        ("sum", "1", "0", "0"),
        ("owner", "1", "3"),
        ("duplicate", "1", "2", "1"),
        ("sketch", "1", "5"),
        ("row", "1", "99999"),
        ("span", "nowhere.json"),
        ("receipt", "1", "nowhere.json"),
    ],
    ids=" ".join,
)
def test_what_is_right_or_not_there_costs_nothing(
    economy: Economy, run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    before = asyncio.run(Ethereum(economy.node).block_number())
    with pytest.raises(SystemExit):
        run("challenge", *words)
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert asyncio.run(Ethereum(economy.node).block_number()) == before


def test_a_forged_sketch_is_named(economy: Economy, run: Run) -> None:
    place, number = kept_place(economy)
    files, sketch = list(economy.trained.parts), forged(economy, number)
    shown = stating(files[FORGER - 1], number, sketch)
    model_id = asyncio.run(forged_model(economy, files, number, sketch, shown))
    index_id = str(asyncio.run(commit(economy, *published(economy), model_id=model_id)))
    assert run("challenge", "sketch", index_id, str(place))["method"] == "challengeSketch"
    assert index_status(economy, index_id) == INDEX_VOID


def test_a_row_and_a_preconditioner_go_before_a_jury(economy: Economy, run: Run) -> None:
    number = str(asyncio.run(commit(economy, *published(economy))))
    assert run("case", "row", number, "4", "--dry-run")["caseId"] in {0, "0"}
    with pytest.raises(SystemExit):
        run("case", "row", number, "4")
    stake_a_juror(economy)
    assert int(run("case", "row", number, "4")["caseId"]) == 1
    again = str(asyncio.run(commit(economy, *published(economy))))
    assert int(run("case", "preconditioner", again)["caseId"]) == 2


# --- Receipts ---------------------------------------------------------------------------------------------


async def settled(economy: Economy, fault: str) -> tuple[str, dict[str, Any]]:
    """A post over receipts of which number 2 is wrong; its contents by their hashes."""
    plan = paid_plan(economy, 4)
    tree, receipts, shown = ReceiptTree(CHAIN_ID, economy.channel_id), [], dict[str, Any]()
    for each in plan.receipts:
        fields: dict[str, Any] = {
            "channel_id": economy.channel_id,
            "number": each.number,
            "prompt_hash": keccak256(b"prompt"),
            "output_hash": keccak256(b"output"),
            "tokens_in": len(each.features or ()),
            "tokens_out": 1,
            "fee_wei": each.fee_wei,
        }
        amount_wei = each.fee_wei
        if each.number == 2 and fault == "fee":
            fields["tokens_in"] -= 1  # the fee is that of one token more
        if each.number == 2:
            shown = fields
        hashed = receipt_hash(**fields)
        tree.append(hashed, amount_wei)
        receipts.append(replace(each, receipt_hash=hashed, fee_wei=amount_wei))
    signed = voucher(economy, tree)
    plan = replace(
        plan,
        receipts=tuple(receipts),
        cumulative_fee_wei=signed.voucher.cumulative_fee_wei,
        receipts_root=signed.voucher.receipts_root,
        signature=signed.signature,
    )
    lie = 1 if fault == "weight" else 0
    asked = queries(
        economy.store,
        QueriesRequest(
            ArtifactId(economy.trained.index.index),
            tuple(
                ReceiptInput(
                    r.number,
                    query_weight(r.fee_wei, DEV_POLICY.platform_ppm) + lie * (r.number == 2),
                    r.features or (),
                )
                for r in plan.receipts
            ),
        ),
    )
    await send_settlement(economy, plan, asked.queries, asked.queries_root)
    notice = await send_post(economy, await right_post(economy, asked.queries))
    named = {
        "channelId": "0x" + economy.channel_id.hex(),
        "number": 2,
        "promptHash": "0x" + shown["prompt_hash"].hex(),
        "outputHash": "0x" + shown["output_hash"].hex(),
        "tokensIn": shown["tokens_in"],
        "tokensOut": 1,
        "fee": str(shown["fee_wei"]),
    }
    return str(notice.post_id), named


@pytest.mark.parametrize(("method", "fault"), [("receipt", "fee"), ("weight", "weight")])
def test_a_receipt_is_contested_by_its_hashes(
    economy: Economy, run: Run, tmp_path: Path, method: str, fault: str
) -> None:
    post, named = asyncio.run(settled(economy, fault))
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(named))
    said = run("challenge", method, post, str(file), "--dry-run")
    assert int(said["posted"]) != int(said["computed"])
    assert run("challenge", method, post, str(file))["proved"] is True
    assert asyncio.run(economy.reader.post(int(post))).status == POST_VOID


def test_a_right_receipt_or_other_contents_prove_nothing(
    economy: Economy, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    post, named = asyncio.run(settled(economy, "none"))
    file = tmp_path / "receipt.json"
    for changes, complaint in (
        ({}, "costs what its tokens cost"),
        ({"tokensIn": 5}, "other contents"),
        ({"number": 4}, "does not attribute"),
        ({"fee": "x"}, "is not a receipt"),
    ):
        file.write_text(json.dumps(named | changes))
        with pytest.raises(SystemExit):
            run("challenge", "receipt", post, str(file))
        assert complaint in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("challenge", "query", post, "1")
    assert "not too long" in capsys.readouterr().err


# --- Passages ---------------------------------------------------------------------------------------------

TEXT = "nothing of this stands in a picture"


def answer_file(economy: Economy, path: Path, span: Span) -> str:
    """What `infer ask --json` printed, with one passage that its provider signed."""
    salt, tokens = b"\x09" * 32, [1, 2]
    hashed = Hash32(keccak256(output_of(salt, TEXT, tokens)))
    about = Explanation(economy.channel_id, 0, 1, hashed)
    shown = [{"start": span.start, "end": span.end, "record": span.record, "offset": span.offset}]
    signed = sign_explanation(about, shown, TEXT, dev_account(PROVIDER), CHAIN_ID)
    receipt = {"channelId": "0x" + economy.channel_id.hex(), "number": 0, "outputSalt": "0x" + salt.hex()}
    paid = {"receipt": receipt, "responseTokens": tokens, "attribution": {"signed": signed}}
    path.write_text(json.dumps({"choices": [{"message": {"content": TEXT}}], "x_openledger": paid}))
    return str(path)


@contextmanager
def blocks(economy: Economy) -> Iterator[None]:
    """They come by themselves, as on a network."""
    is_over = threading.Event()

    def come() -> None:
        while not is_over.wait(0.5):
            economy.node.advance(1)

    thread = threading.Thread(target=come)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize(("record", "reason"), [(3, "not in the record"), (10**6, "on its face")])
def test_a_false_passage_slashes_its_provider(
    economy: Economy, run: Run, tmp_path: Path, record: int, reason: str
) -> None:
    file = answer_file(economy, tmp_path / "answer.json", Span(0, 16, record, 0, Hash32(bytes(32))))
    said = run("challenge", "span", file, "--dry-run")
    assert (said["reason"], said["proved"], said["bond"]) == (reason, False, "0")
    with blocks(economy):
        assert run("challenge", "span", file, "--timeout", "20")["proved"] is True
    proved = asyncio.run(Ethereum(economy.node).events(ATTRIBUTION, "ExplanationProvedFalse"))
    assert [event.arguments["slashed"] for event in proved] == [DEV_POLICY.slash_amount_wei]
