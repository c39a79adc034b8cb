import logging
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequencer.mempool.journal import Journal, read_journal


def test_replays_what_was_appended_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append([b"one", b""])
    journal.close()
    again = Journal(path)
    again.append([b"three"])
    assert again.replay() == [b"one", b"", b"three"]


def test_rewrite_keeps_only_what_is_given(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append([b"old"])
    journal.rewrite([b"new"])
    journal.append([b"newer"])
    assert journal.replay() == [b"new", b"newer"]


@given(st.lists(st.binary(max_size=40), max_size=6), st.data())
def test_any_cut_gives_a_prefix(raws: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(_record(raw) for raw in raws)
    cut = data.draw(st.integers(0, len(whole)))
    found = read_journal(whole[:cut])
    assert found.raws == raws[: len(found.raws)]
    assert sum(len(_record(raw)) for raw in found.raws) + found.skipped_bytes == cut


@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=6),
    st.binary(min_size=1, max_size=30),
    st.data(),
)
def test_a_damaged_record_costs_only_itself(raws: list[bytes], damage: bytes, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(raws) - 1))
    records = [_record(raw) for raw in raws]
    start = data.draw(st.integers(0, len(records[index]) - 1))
    bad = records[index][:start] + damage + records[index][start + len(damage) :]
    rest = raws[:index] + raws[index + 1 :]
    found = read_journal(b"".join([*records[:index], bad, *records[index + 1 :]])).raws
    assert [raw for raw in found if raw in rest][: len(rest)] == rest or found == raws


def test_what_was_appended_after_a_torn_record_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal"
    path.write_bytes(_record(b"first") + _record(b"torn")[:-2])
    journal = Journal(path)
    journal.append([b"second"])
    with caplog.at_level(logging.WARNING):
        assert journal.replay() == [b"first", b"second"]
    assert f"skipped {len(_record(b'torn')) - 2} damaged bytes" in caplog.text


def _record(raw: bytes) -> bytes:
    return b"OLtx" + len(raw).to_bytes(4, "big") + zlib.crc32(raw).to_bytes(4, "big") + raw


_WRITER = """
import sys
from pathlib import Path
from sequencer.mempool.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(1_000_000):
    journal.append([number.to_bytes(4, "big") * (number % 50)])
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 57, 400])
def test_what_was_appended_before_a_kill_is_there(tmp_path: Path, after: int) -> None:
    path = tmp_path / "journal"
    command = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = -1
        while told < after:
            told = int(writer.stdout.readline())
        writer.kill()
    raws = Journal(path).replay()
    assert len(raws) > told
    assert raws == [number.to_bytes(4, "big") * (number % 50) for number in range(len(raws))]
