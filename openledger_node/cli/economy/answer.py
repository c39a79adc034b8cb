"""How a language model's answer looks in a terminal: its words, passages marked, whose data it came from."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openledger_node.client.answers import said_text

PASSAGE = "black on green"


def show_answer(answer: Mapping[str, Any], *, as_json: bool, passages: str = "") -> None:
    """Print an answer with its attribution, or the whole body as JSON; `passages` says whose word they
    are."""
    if as_json:
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
        return
    console, paid = Console(), answer["x_openledger"]
    found = paid.get("attribution") or {}
    console.print(_marked(said_text(answer["choices"][0]), found.get("spans", [])))
    if found.get("error"):
        console.print(f"no attribution: {found['error']}", style="yellow")
    if found.get("contributors"):
        console.print(_contributors(found["contributors"]))
    for citation in paid.get("citations", []):
        said = f"[{citation['number']}] record {citation['record']} of {_short(citation['contributor'])}"
        console.print(said, markup=False, highlight=False)
    for span in found.get("spans", []):
        console.print(
            f"[{PASSAGE}] [/] record {span['record']} of {_short(span['contributor'])}", highlight=False
        )
    if passages:
        console.print(passages, style="dim", highlight=False)
    console.print(
        f"{paid['receipt']['tokensIn']} tokens in, {paid['receipt']['tokensOut']} out; "
        f"{int(paid['fee']) / 10**18:.6f} OPEN; receipt {paid['receipt']['id']}",
        style="dim",
        highlight=False,
    )


def _marked(said: str, spans: list[Mapping[str, Any]]) -> Text:
    text = Text(said)
    for span in spans:
        text.stylize(PASSAGE, span["start"], span["end"])
    return text


def _contributors(found: list[Mapping[str, Any]]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("contributor", "score", "share"):
        table.add_column(name, justify="left" if name == "contributor" else "right", no_wrap=True)
    for each in found:
        share = f"{each['sharePpm'] / 10_000:.2f} %"
        table.add_row(_short(each["contributor"]), f"{int(each['score']):.3e}", share)
    return table


def _short(account: str) -> str:
    return f"{account[:6]}…{account[-4:]}"
