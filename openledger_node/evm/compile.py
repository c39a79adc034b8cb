"""Compile the interpreter: `python -m openledger_node.evm.compile`; `make install` does.

Needs Cython and a C compiler. Without them nothing is lost but speed: the same source runs as it is.
"""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from openledger_node.errors import UserError
from openledger_node.evm.compiled import SOURCES, compiled_path, module_name

# Signed counters wrap as Cython's code expects; nothing here trades exactness for speed.
_FLAGS = ("-O2", "-fwrapv", "-shared", "-fPIC", "-w")


def compile_interpreter() -> Path:
    """The compiled file, made unless it is there. Raises `UserError` if a tool is missing or fails."""
    target = compiled_path()
    if target.exists():
        return target
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        built = _build(Path(temporary), module_name())
        for old in target.parent.glob(f"interpreter_*{sysconfig.get_config_var('EXT_SUFFIX')}"):
            old.unlink()
        # Rename within the folder, so that a node which starts now finds all of it or nothing.
        whole = shutil.copy(built, target.with_suffix(".new"))
        Path(whole).rename(target)
    return target


def _build(folder: Path, name: str) -> Path:
    for source in SOURCES:
        shutil.copy(source, folder / f"{name}{source.suffix}")
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    _call([sys.executable, "-m", "cython", "-3", "-X", "annotation_typing=False", f"{name}.py"], folder)
    headers = sysconfig.get_paths()["include"]
    _call([*compiler, *_FLAGS, f"-I{headers}", f"{name}.c", "-o", f"{name}.so"], folder)
    return folder / f"{name}.so"


def _call(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - the build's own tools
    except OSError as error:
        raise UserError(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        raise UserError(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")


def main() -> None:
    try:
        path = compile_interpreter()
    except UserError as error:
        print(f"the interpreter stays uncompiled, about five times slower: {error}", file=sys.stderr)
    else:
        print(f"compiled interpreter: {path.name}")


if __name__ == "__main__":
    main()
