"""A compiled interpreter is found only if it was made from the sources that are there, and only if wanted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openledger_node.errors import UserError
from openledger_node.evm import compile as compiler
from openledger_node.evm import compiled, interpreter


def test_the_name_follows_the_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sources = tuple(tmp_path / source.name for source in compiled.SOURCES)
    for copy, source in zip(sources, compiled.SOURCES, strict=True):
        copy.write_bytes(source.read_bytes())
    before = compiled.module_name()
    monkeypatch.setattr(compiled, "SOURCES", sources)
    assert compiled.module_name() == before
    sources[0].write_bytes(sources[0].read_bytes() + b"\n")
    assert compiled.module_name() != before


def test_the_source_runs_where_nothing_was_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)
    assert compiled.load_interpreter() is interpreter


def test_the_environment_can_forbid_it() -> None:
    command = "from openledger_node.evm.compiled import IS_COMPILED; print(IS_COMPILED)"
    environment = {**os.environ, compiled.PURE_PYTHON_VARIABLE: "1"}
    output = subprocess.check_output([sys.executable, "-c", command], env=environment, text=True)
    assert output.strip() == "False"


def test_a_compiler_that_is_missing_is_an_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)
    monkeypatch.setattr(compiler, "_call", lambda *_: (_ for _ in ()).throw(UserError("no cc")))
    with pytest.raises(UserError, match="no cc"):
        compiler.compile_interpreter()
    assert not list(tmp_path.rglob("*.so"))


def test_a_command_that_cannot_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be run"):
        compiler._call([str(tmp_path / "missing")], tmp_path)
    with pytest.raises(UserError, match="failed"):
        compiler._call([sys.executable, "-c", "raise SystemExit('broken')"], tmp_path)
