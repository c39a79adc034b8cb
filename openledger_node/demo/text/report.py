"""How the text demo ends: checks, an answer with its passages, and the table of who was paid what and why."""

import sys

import orjson
from rich.text import Text

from openledger_node.demo.report import (
    checks_of_lie,
    claims_equal_the_post,
    show_checks,
    show_fees,
    table,
)
from openledger_node.demo.text.records import AnswerRow, TextDemoResult
from openledger_node.demo.world import World

LEAST_ANSWERS = 10
LONG_PASSAGE_BYTES = 40


def judge_text(result: TextDemoResult) -> None:
    """Fill in the checks; money checks must hold exactly. Who scores first is measured, not assumed."""
    result.checks = {
        "loss_falls_in_training": all(run.last_loss < run.first_loss for run in result.runs),
        "held_out_loss_below_the_base_on_every_seed": all(
            run.holdout_loss < run.base_holdout_loss for run in result.runs
        ),
        "bought_at_least_10": result.inferences >= LEAST_ANSWERS,
        "answers_have_verbatim_spans": any(row.spans for row in result.answers),
        "spans_are_in_their_answers": all(
            row.answer[span["start"] : span["end"]] == span["text"]
            for row in result.answers
            for span in row.spans
        ),
        "fee_parts_sum_to_gross": result.fees is not None and result.fees.sums_to_gross,
        "pool_is_paid_or_carried": result.pool is not None and result.pool.sums_to_pool,
        "claims_equal_the_post": claims_equal_the_post(result),
        "every_unit_accounted_for": result.conservation is not None and result.conservation.holds,
    }
    result.checks |= checks_of_lie(result)
    result.ok = all(result.checks.values())


def show_text(world: World, result: TextDemoResult) -> None:
    """Print everything, or with `as_json` one JSON object on standard output."""
    if world.options.as_json:
        sys.stdout.write(orjson.dumps(result.to_json(), option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    say = world.console.print
    shown = max(result.answers, key=lambda row: sum(span["end"] - span["start"] for span in row.spans))
    say("\nAn answer, with what stands word for word in somebody's records\n", style="bold")
    say(f"[dim]asked[/] {shown.question}", highlight=False)
    say(_highlighted(shown))
    say(f"[dim]first by influence:[/] {shown.first}; the subject is {shown.asked_for}'s\n", highlight=False)
    say(table(result))
    show_fees(world)
    say(
        f"For {result.own_contributor_first} of {result.explained} answers the contributor of the subject "
        f"scored first. {_passages(result)} {sum(row.earned_wei != '0' for row in result.contributors)} of "
        f"{len(result.contributors)} contributors were paid."
    )
    show_checks(world)


def _passages(result: TextDemoResult) -> str:
    longest = [max((len(span["text"].encode()) for span in row.spans), default=0) for row in result.answers]
    long = sum(length >= LONG_PASSAGE_BYTES for length in longest)
    return (
        f"A passage of {LONG_PASSAGE_BYTES} bytes or more is in {long} of them, "
        f"the longest has {max(longest)}."
    )


def _highlighted(row: AnswerRow) -> Text:
    text = Text(row.answer)
    for span in row.spans:
        text.stylize("black on green", span["start"], span["end"])
    return text
