"""`openledger-node attribution challenge receipt|weight|query|row|…`: one suspicion, named by hand, proved.

`--dry-run` says what would be proved and which bond it takes, and sends nothing. What is suspected and right
is refused before it costs anything.

Covered: every challenge of one transaction, passages that a provider signed, games over a sum, cases about
rows and preconditioners. Not covered: scores, amounts, debts and batch queries (`challenge post` finds them).
"""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from openledger_node.cli.economy.disputes import DryRun, accuser, bond_wei, challenge_app, checker
from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, read_file, refusal, session
from openledger_node.errors import UserError

if TYPE_CHECKING:
    from openledger_node.validator.by_hand import Accuser
    from openledger_node.validator.suspicions import Proof

Artifacts = Annotated[list[str] | None, Parameter(help="Where documents are read, `…/artifacts`.")]


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_file(file))
    except ValueError as error:
        raise UserError(f"{file} is not JSON: {error}", "give what `infer ask --json` printed") from error
    if not isinstance(found, dict):
        raise UserError(f"{file} is not a JSON object", "give what `infer ask --json` printed")
    return found


async def _prove(
    opened: Session,
    about: dict[str, Any],
    proof: "Proof",
    prove: "Callable[[Accuser], Awaitable[bool]]",
    dry_run: bool,
) -> None:
    """Show what would be proved, or prove it."""
    wei = 0 if "channelId" in about else await bond_wei(opened)
    said = {**about, "method": proof.method, **proof.shown, "bond": wei}
    if not dry_run:
        accusing = await accuser(opened)
        await opened.until("the end of the challenge", lambda: refusal(lambda: prove(accusing)))
    opened.show({**said, "proved": not dry_run})


# --- Of a post --------------------------------------------------------------------------------------------


async def _of_post(opened: Session, number: int, proof: "Proof", dry_run: bool) -> None:
    await _prove(opened, {"postId": number}, proof, lambda one: one.prove_of_post(number, proof), dry_run)


@challenge_app.command
async def receipt(
    post: int, file: Path, *, artifacts: Artifacts = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Prove that a settled receipt's fee is not its tokens' price, or not what was settled for it.

    Parameters
    ----------
    post
        The post that attributes the receipt.
    file
        The answer as `infer ask --json` printed it, or the receipt by its hashes.
    """
    from openledger_node.validator.passages import read_receipt
    from openledger_node.validator.suspicions import wrong_receipt

    async with session(options) as opened:
        inputs = await checker(opened, artifacts).post_inputs(post)
        found = read_receipt(_read(file))
        proof = wrong_receipt(inputs, found, await opened.reader.channel(found.channel_id))
        await _of_post(opened, post, proof, dry_run)


@challenge_app.command
async def weight(
    post: int, file: Path, *, artifacts: Artifacts = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Prove that a query does not weigh what its receipt paid.

    Parameters
    ----------
    post
        The post that attributes the receipt.
    file
        The answer as `infer ask --json` printed it, or the receipt by its hashes.
    """
    from openledger_node.validator.passages import read_receipt
    from openledger_node.validator.suspicions import wrong_weight

    async with session(options) as opened:
        inputs = await checker(opened, artifacts).post_inputs(post)
        await _of_post(opened, post, wrong_weight(inputs, read_receipt(_read(file))), dry_run)


@challenge_app.command
async def query(
    post: int,
    place: int,
    *,
    batch: int = 0,
    artifacts: Artifacts = None,
    dry_run: DryRun = False,
    options: Flat = DEFAULTS,
) -> None:
    """Prove that a receipt's query is longer than a query may be.

    Parameters
    ----------
    post
        The post.
    place
        Which receipt of the batch, counted from 0.
    batch
        Which batch of the post.
    """
    from openledger_node.validator.suspicions import long_query

    async with session(options) as opened:
        inputs = await checker(opened, artifacts).post_inputs(post)
        await _of_post(opened, post, long_query(inputs, batch, place), dry_run)


# --- Of an index ------------------------------------------------------------------------------------------


async def _of_index(opened: Session, number: int, proof: "Proof", dry_run: bool) -> None:
    await _prove(opened, {"indexId": number}, proof, lambda one: one.prove_of_index(number, proof), dry_run)


@challenge_app.command
async def count(
    index: int, *, artifacts: Artifacts = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Prove that an index has not one row for each record of its model's sources."""
    from openledger_node.validator.suspicions import wrong_count

    async with session(options) as opened:
        inputs = await checker(opened, artifacts).index_inputs(index)
        await _of_index(opened, index, wrong_count(inputs), dry_run)


@challenge_app.command
async def row(
    index: int, place: int, *, artifacts: Artifacts = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Prove that a row breaks a rule: range, least exponent, norm, canonical record, contributor."""
    from openledger_node.validator.suspicions import broken_row

    async with session(options) as opened:
        inputs = await checker(opened, artifacts).index_inputs(index)
        await _of_index(opened, index, broken_row(inputs, place), dry_run)


@challenge_app.command
async def norm(
    index: int,
    contributor: int,
    *,
    artifacts: Artifacts = None,
    dry_run: DryRun = False,
    options: Flat = DEFAULTS,
) -> None:
    """Prove that a contributor's committed norm is not its sum's; contributors count from 0."""
    from openledger_node.validator.suspicions import wrong_norm

    async with session(options) as opened:
        inputs = await checker(opened, artifacts).index_inputs(index)
        await _of_index(opened, index, wrong_norm(inputs, contributor), dry_run)


@challenge_app.command(name="sum")
async def contributor_sum(
    index: int,
    contributor: int,
    coordinate: int,
    *,
    artifacts: Artifacts = None,
    dry_run: DryRun = False,
    options: Flat = DEFAULTS,
) -> None:
    """Play a game over one coordinate of a contributor's sum, to its end."""
    from openledger_node.validator.suspicions import Proof, wrong_sum

    async with session(options) as opened:
        inputs = await checker(opened, artifacts).index_inputs(index)
        found = wrong_sum(inputs, contributor, coordinate)
        shown = {"contributor": found.contributor, "coordinate": coordinate, "computed": found.computed}
        proof = Proof("openSumGame", (), shown)
        about = {"indexId": index}
        await _prove(opened, about, proof, lambda one: one.play_sum_game(inputs, found), dry_run)


@challenge_app.command
async def owner(
    index: int, place: int, *, artifacts: Artifacts = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Prove that a row is credited to somebody else than its record's contributor."""
    from openledger_node.validator.suspicions import wrong_owner

    async with session(options) as opened:
        checking = checker(opened, artifacts)
        inputs = await checking.index_inputs(index)
        sources = await checking.sources(inputs.index.model_id)
        await _of_index(opened, index, wrong_owner(inputs, sources, place), dry_run)


@challenge_app.command
async def duplicate(
    index: int,
    place: int,
    other: int,
    *,
    artifacts: Artifacts = None,
    dry_run: DryRun = False,
    options: Flat = DEFAULTS,
) -> None:
    """Prove that a record was wrongly kept beside another, or wrongly dropped for it.

    Parameters
    ----------
    index
        The feature index.
    place
        The row that was kept or dropped.
    other
        The row it should have been, or was, dropped for.
    """
    from openledger_node.validator.suspicions import wrong_duplicate

    async with session(options) as opened:
        checking = checker(opened, artifacts)
        inputs = await checking.index_inputs(index)
        sources = await checking.sources(inputs.index.model_id)
        policy = await opened.reader.policy(inputs.index.policy_version)
        proof = wrong_duplicate(inputs, sources, place, other, policy.similarity_ppm)
        await _of_index(opened, index, proof, dry_run)


@challenge_app.command
async def sketch(
    index: int, place: int, *, artifacts: Artifacts = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Prove that a kept record's sketch is not its content's."""
    from openledger_node.validator.suspicions import wrong_sketch

    async with session(options) as opened:
        checking = checker(opened, artifacts)
        inputs = await checking.index_inputs(index)
        sources = await checking.sources(inputs.index.model_id)
        await _of_index(opened, index, wrong_sketch(inputs, sources, place), dry_run)


# --- Of an answer -----------------------------------------------------------------------------------------


@challenge_app.command
async def span(
    file: Path,
    *,
    passage: int | None = None,
    artifacts: Artifacts = None,
    dry_run: DryRun = False,
    options: Flat = DEFAULTS,
) -> None:
    """Prove that a passage which a provider signed stands neither in the record nor in the answer it names.

    Parameters
    ----------
    file
        The answer as `infer ask --json` printed it.
    passage
        Which of the signed passages, counted from 0; the first false one unless named.
    """
    from openledger_node.validator.passages import false_passage, read_passages

    async with session(options) as opened:
        found = read_passages(_read(file))
        said = found.signed.explanation
        index = await opened.reader.feature_index(said.feature_index)
        sources = await checker(opened, artifacts).sources(index.model_id)
        proof = false_passage(found, index.rows, sources, passage)
        about = {"channelId": said.channel_id, "number": said.number}
        await _prove(opened, about, proof, lambda one: one.prove_of_passage(found.signed, proof), dry_run)


# --- Before a jury ----------------------------------------------------------------------------------------


async def _accuse(
    index: int, place: int | None, artifacts: list[str] | None, dry_run: bool, options: Flat
) -> None:
    async with session(options) as opened:
        inputs = await checker(opened, artifacts).index_inputs(index)
        rows = len(inputs.rows.mantissas)
        if place is not None and not 0 <= place < rows:
            raise UserError(f"there is no row {place}: they count from 0 to {rows - 1}", "name another")
        method = "openPreconditionerCase" if place is None else "openRowCase"
        said = {"indexId": index, "method": method, "row": place, "bond": await bond_wei(opened)}
        if dry_run:
            opened.show({**said, "caseId": 0})
            return
        accusing = await accuser(opened)
        opened.show({**said, "caseId": await refusal(lambda: accusing.accuse(inputs, place))})


async def case_of_row(
    index: int, place: int, *, artifacts: Artifacts = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Bring a row that is not its record's gradient before a jury, against the bond, which pays it."""
    await _accuse(index, place, artifacts, dry_run, options)


async def case_of_preconditioner(
    index: int, *, artifacts: Artifacts = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Bring a preconditioner that is not of this model and data before a jury, against the bond."""
    await _accuse(index, None, artifacts, dry_run, options)
