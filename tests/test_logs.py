import json
import logging

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
