"""How the demo ends: checks, a table of who was paid what and why, or one JSON object."""

import sys

import orjson
from rich.box import SIMPLE_HEAD
from rich.table import Table

from openledger_node.demo.records import DemoResult
from openledger_node.demo.world import World, open_text

MAXIMUM_COPY_PART = 0.1
MAXIMUM_WRONG_LABEL_PART = 0.5
MINIMUM_INFERENCES = 50


def judge(result: DemoResult) -> None:
    """Fill in the checks; money checks must hold exactly. Fairness is measured, not assumed."""
    result.checks = {
        "bought_at_least_50": result.inferences >= MINIMUM_INFERENCES,
        "fee_parts_sum_to_gross": result.fees is not None and result.fees.sums_to_gross,
        "pool_is_paid_or_carried": result.pool is not None and result.pool.sums_to_pool,
        "claims_equal_the_post": claims_equal_the_post(result),
        "every_unit_accounted_for": result.conservation is not None and result.conservation.holds,
        "withdrawal_arrived": result.withdrawal is not None and result.withdrawal.arrived,
        "copy_earns_under_a_tenth": result.copy_of_original < MAXIMUM_COPY_PART,
        "wrong_labels_score_under_half": result.wrong_label_of_clean < MAXIMUM_WRONG_LABEL_PART,
    }
    result.checks |= checks_of_lie(result)
    result.ok = all(result.checks.values())


def checks_of_lie(result: DemoResult) -> dict[str, bool]:
    """What must hold after a false post; empty where there was none."""
    false = result.dishonest
    if false is None:
        return {}
    return {
        "false_post_slashed": int(false.slashed_wei) > 0,
        "false_post_paid_nobody": int(false.paid_from_false_post_wei) == 0,
        "correct_post_followed": false.false_post_id < false.correct_post_id == result.post_id,
    }


def claims_equal_the_post(result: DemoResult) -> bool:
    """What contributors claimed is what the post paid."""
    earned = sum(int(row.earned_wei) for row in result.contributors)
    return result.pool is not None and earned == int(result.pool.paid_wei)


def show(world: World) -> None:
    """Print the table and checks, or with `as_json` one JSON object on standard output."""
    if world.options.as_json:
        sys.stdout.write(orjson.dumps(world.result.to_json(), option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    world.console.print(table(world.result))
    show_fees(world)
    say = world.console.print
    say(f"The copy earned {world.result.copy_of_original:.1%} of its original.")
    say(f"A wrong label scored {world.result.wrong_label_of_clean:.2f} of a clean one beside it.")
    show_checks(world)


def table(result: DemoResult) -> Table:
    """Who was paid what, and why."""
    rows = Table(title="Who was paid, and why", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("contributor", "brought"):
        rows.add_column(name, no_wrap=True)
    for name in ("records", "kept", "summed score", "share", "OPEN earned"):
        rows.add_column(name, justify="right", no_wrap=True)
    for row in result.contributors:
        rows.add_row(
            f"{row.account[:6]}…{row.account[-4:]}",
            row.role,
            str(row.records),
            str(row.canonical_records),
            f"{int(row.score):.3e}",
            f"{row.share_ppm / 10_000:.2f} %",
            f"{int(row.earned_wei) / 10**18:.6f}",
        )
    return rows


def show_fees(world: World) -> None:
    """Where the gross fee went."""
    result = world.result
    if result.fees is not None:
        parents_wei = int(result.fees.parents_wei)
        world.console.print(
            f"Fees: {open_text(int(result.fees.gross_wei), 4)} paid = "
            f"{open_text(int(result.fees.platform_wei), 4)} platform + "
            f"{open_text(int(result.fees.provider_wei), 4)} provider + "
            f"{open_text(int(result.fees.owner_wei), 4)} model owner + "
            f"{open_text(int(result.fees.stakers_wei), 4)} stakers + "
            f"{open_text(int(result.fees.contributors_wei), 4)} contributors"
            + (f" + {open_text(parents_wei, 4)} to the base's contributors" if parents_wei else "")
        )


def show_checks(world: World) -> None:
    """Every check, and how long it all took."""
    result, say = world.result, world.console.print
    for name, holds in result.checks.items():
        say(f"{'✓' if holds else '✗'} {name.replace('_', ' ')}", style="green" if holds else "red")
    say(f"{len(result.transactions)} transactions; {sum(step.seconds for step in result.steps):.0f} seconds.")
