import zlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sequencer.mempool.journal import Journal, read_journal


def test_replays_what_was_appended_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(b"one")
    journal.append(b"")
    journal.close()
    again = Journal(path)
    again.append(b"three")
    assert again.replay() == [b"one", b"", b"three"]


def test_rewrite_keeps_only_what_is_given(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(b"old")
    journal.rewrite([b"new"])
    journal.append(b"newer")
    assert journal.replay() == [b"new", b"newer"]


@given(st.lists(st.binary(max_size=40), max_size=6), st.data())
def test_any_cut_gives_a_prefix(raws: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(_record(raw) for raw in raws)
    cut = data.draw(st.integers(0, len(whole)))
    read = list(read_journal(whole[:cut]))
    assert read == raws[: len(read)]


def test_damage_ends_the_reading() -> None:
    whole = bytearray(_record(b"first") + _record(b"second"))
    whole[-1] ^= 1
    assert list(read_journal(bytes(whole))) == [b"first"]


def _record(raw: bytes) -> bytes:
    return len(raw).to_bytes(4, "big") + zlib.crc32(raw).to_bytes(4, "big") + raw
