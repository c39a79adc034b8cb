"""Blocks of the suites run step by step from witnesses: a sample always, `--steps` runs all of them."""

from zlib import crc32

import pytest

from tests.conformance.archives import archive_path, files, unpack
from tests.conformance.execution import BLOCK_SUITES, SLOW_FILES, run_file_by_steps

FILES_IN_SAMPLE = 16
"""One file in this many runs always."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("suite", BLOCK_SUITES)
def test_steps_and_whole_blocks_agree(suite: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    if not archive_path(suite).exists():
        pytest.skip(f"the shared archive {suite} is not here")
    count, differing = 0, []
    for path, fixtures in files(unpack(suite, tmp_path_factory.mktemp("steps"))):
        if crc32(path.encode()) % FILES_IN_SAMPLE == 0 and f"{suite}/{path}" not in SLOW_FILES:
            cases, found = run_file_by_steps(suite, path, fixtures)
            count += cases
            differing += found
    assert count
    assert not differing, "\n".join(differing[:20])
