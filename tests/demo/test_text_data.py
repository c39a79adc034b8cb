"""The text demo's helpers: programs are heard while they run, questions are not those of recipes."""

import pytest

from openledger_node.demo.text.data import TextData, run_module
from openledger_node.errors import OpenLedgerError
from workers.datasets.text import encode_text_jsonl, text_record
from workers.text.export import asked_about


async def test_a_programs_errors_are_heard_as_they_come_and_its_output_is_returned() -> None:
    heard = list[str]()
    assert "usage" in await run_module("json.tool", "--help", heard=heard.append)
    assert heard == []
    with pytest.raises(OpenLedgerError, match=r"json.tool failed \(.*no-such-option"):
        await run_module("json.tool", "--no-such-option", heard=heard.append)
    assert heard[-1].endswith("--no-such-option")


def test_questions_are_about_records_that_no_recipe_was_chosen_by() -> None:
    records = [
        text_record(
            {
                "messages": [
                    {"role": "user", "content": f"What is {number}?"},
                    {"role": "assistant", "content": f"It is number {number}."},
                ]
            }
        )
        for number in range(20)
    ]
    file = encode_text_jsonl(records)
    asked = TextData(("a", "b"), (file, file), b"").questions(2)
    assert asked == [(0, "What is 1?"), (1, "What is 1?"), (0, "What is 11?"), (1, "What is 11?")]
    chosen_by = {record.turns()[0][-1].content for record in asked_about(records, 10, is_report=False)}
    assert chosen_by.isdisjoint(question for _, question in asked)
