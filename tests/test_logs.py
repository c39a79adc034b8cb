import io
import json
import logging
import sys

import pytest
import structlog

from openledger_node.logs import configure


@pytest.fixture(autouse=True)
def _restore() -> None:
    structlog.reset_defaults()


def test_both_kinds_of_logger_speak_json_and_hide_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    structlog.get_logger("house").info("signed", private_key="0xabc", block=b"\x01\x02")
    logging.getLogger("rollup_bridge.batcher").info("frame %d sent", 7)
    logging.getLogger("somebody.else").info("not heard")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0]["private_key"] == "[redacted]"
    assert lines[0]["block"] == "0x0102"
    assert [line["event"] for line in lines] == ["signed", "frame 7 sent"]


def test_a_line_goes_to_the_standard_error_of_its_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        first = io.StringIO()
        patch.setattr(sys, "stderr", first)
        configure("info", "json")
        structlog.get_logger("house").info("one")
        first.close()
    structlog.get_logger("house").warning("two")
    logging.getLogger("workers.pool").warning("three")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["two", "three"]
