"""Every error code is one class's own and has its line in docs/errors.md."""

import re
from pathlib import Path

CODE = re.compile(r'^    code = "(OL-\d{4})"$', re.MULTILINE)
SOURCES = sorted(Path("openledger_node").rglob("*.py"))


def test_codes_are_unique_and_documented() -> None:
    codes = [code for source in SOURCES for code in CODE.findall(source.read_text())]
    documented = re.findall(r"^\| (OL-\d{4}) \|", Path("docs/errors.md").read_text(), re.MULTILINE)
    assert sorted(codes) == sorted(set(codes))
    assert sorted(codes) == sorted(documented)
