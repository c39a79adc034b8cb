"""What the documentation names is there: pages, headings, files, make targets, modules, commands, flags.

The commands of the roles' pages and the code of the clients' are run, by their own tests.
"""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from openledger_node.cli.commands import app

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "benchmarks/attribution/README.md",
    ROOT / "precompiles/solidity/README.md",
    ROOT / "web/sdk/README.md",
]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PARTS = ("genesis", "precompiles", "sequencer", "rollup_bridge", "workers", "openledger_node")
FOLDERS = {
    *(path.name for path in ROOT.iterdir() if path.is_dir()),
    *(path.name for path in (ROOT / "openledger_node").iterdir() if path.is_dir()),
} - {"node"}
"""With which the name of a file begins; `node` is also a folder of `dev`'s data directory."""
COMMAND = re.compile(r"openledger-node ((?:[a-z][^`\n)|>&#;…]*)?)")


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchor(heading: str) -> str:
    """A heading's fragment, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def by_path(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_links_lead_to_a_page_and_a_heading(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text())):
        if "://" in link:
            continue
        path, _, fragment = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if fragment:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert fragment in {anchor(heading) for heading in headings}, link


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_make_targets_and_modules_are_there(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"(?:`|^)make ([a-z0-9-]+)(?=`|$| ARGS| +#)", text, re.MULTILINE):
        assert target in TARGETS, f"make {target}"
    for module in re.findall(r"python -m ((?:benchmarks|tests|workers|openledger_node)[\w.]*\w)", text):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"]({page.name})" in index, page.name


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_named_files_are_there(page: Path) -> None:
    bases = [ROOT, page.parent, *(ROOT / part for part in (*PARTS, "docs", "web"))]
    for name in re.findall(r"`([\w.-]+(?:/[\w.*-]+)+/?)`", prose(page.read_text())):
        if name.partition("/")[0] in FOLDERS:
            assert any(found for base in bases for found in base.glob(f"{name.rstrip('/')}*")), name


def test_rooms_stand_in_the_order_that_is_checked() -> None:
    page = " ".join((ROOT / "docs/architecture.md").read_text().split())
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        for package in contract.get("containers", []):
            rooms = " → ".join(f"`{layer}`" for layer in contract["layers"])
            assert f"`{package}`: {rooms}" in page


def commands() -> list[str]:
    """Each command line that a page names, without `--help`, once."""
    pages = (page.read_text() for page in PAGES if page.parent.name != "roles")
    lines = {line for text in pages for line in COMMAND.findall(text.replace("\\\n", " "))}
    return sorted({line.replace("--help", "").strip() for line in lines})


@pytest.mark.parametrize("line", commands())
def test_commands_and_their_flags_are_there(line: str) -> None:
    path, apps, rest = app.parse_commands(shlex.split(line, posix=False))
    command = apps[-1]
    if command.default_command is None:
        assert bool(path) == bool(line)
        assert not rest
        return
    known = {name for argument in command.assemble_argument_collection() for name in argument.names}
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known
