"""Which real text the project's own base learns from: documentation that every installation brings.

The documentation and docstrings of the installed Python, and of packages that `make install` installs beside
it; nothing is downloaded. Left out is what demo, tests and benchmarks contribute and hold out
(`workers.text.contributed`): word for word, inside of longer texts, and nearly so.

Covered: order and content decided by the installed versions alone. Not covered: other languages.
"""

import ast
import inspect
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from pydoc_data import topics

PACKAGES = {
    "PIL": "pillow",
    "aiohttp": "aiohttp",
    "anyio": "anyio",
    "fsspec": "fsspec",
    "huggingface_hub": "huggingface_hub",
    "jinja2": "jinja2",
    "numpy": "numpy",
    "pydantic": "pydantic",
    "pygments": "pygments",
    "rich": "rich",
    "sqlalchemy": "sqlalchemy",
    "structlog": "structlog",
}
"""Packages the larger bases read, with the distributions they come in: what the node and workers require."""
SKIPPED = (
    *("site-packages", "test", "tests", "testing", "_vendor", "__pycache__"),
    *("idlelib", "lib2to3", "pydoc_data", "turtledemo"),
)
LEAST_CHARACTERS = 40
MOST_SIGNATURE = 100
MOST_OPENING = 700
"""Of a package's docstring its opening paragraphs are read: what a thing is, not tables of its parameters."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One documented thing: dotted `name`, `signature` (what stands in brackets, or ""), docstring `text`."""

    name: str
    signature: str
    text: str

    @property
    def called(self) -> str:
        """The name with its signature, unless that is long."""
        return f"{self.name}({self.signature})" if 0 < len(self.signature) <= MOST_SIGNATURE else self.name

    @property
    def question(self) -> str:
        """How somebody asks for it."""
        return f"What does {self.called} do?" if self.signature else f"What is {self.name}?"


def topic_passages() -> list[Passage]:
    """The chapters of the language reference that Python carries for `help()`."""
    return [Passage(name, "", text.strip()) for name, text in sorted(topics.topics.items())]


@cache
def library_passages() -> tuple[Passage, ...]:
    """Every docstring of the standard library's Python files, by path and place."""
    root = Path(sysconfig.get_paths()["stdlib"])
    return tuple(_below(root, root))


def package_passages(packages: Sequence[str]) -> list[Passage]:
    """The opening of every docstring of the packages, without repetitions, by path and place."""
    root = Path(sysconfig.get_paths()["purelib"])
    by_text: dict[str, Passage] = {}
    for package in packages:
        for passage in _below(root / package, root):
            text = opening(passage.text)
            if len(text) >= LEAST_CHARACTERS:
                by_text.setdefault(text, Passage(passage.name, passage.signature, text))
    return list(by_text.values())


def opening(text: str) -> str:
    """As many whole paragraphs as fit, or nothing where the first one does not."""
    kept = ""
    for paragraph in text.split("\n\n"):
        longer = f"{kept}\n\n{paragraph}" if kept else paragraph
        if len(longer) > MOST_OPENING:
            break
        kept = longer
    return kept


def _below(folder: Path, root: Path) -> Iterator[Passage]:
    files = sorted(file.relative_to(root) for file in folder.rglob("*.py"))
    for file in files:
        if not set(file.parts) & set(SKIPPED):
            yield from _of_file(root / file, _module_name(file))


def _module_name(file: Path) -> str:
    return ".".join(part for part in file.with_suffix("").parts if part != "__init__")


def _of_file(path: Path, module: str) -> Iterator[Passage]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return  # a template or a file in another encoding
    yield from _of_node(tree, module)


def _of_node(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str
) -> Iterator[Passage]:
    text = ast.get_docstring(node)
    if text and len(text) >= LEAST_CHARACTERS:
        signature = "" if isinstance(node, ast.Module | ast.ClassDef) else ast.unparse(node.args)
        yield Passage(name, signature, inspect.cleandoc(text))
    for child in ast.iter_child_nodes(node):
        if isinstance(
            child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and not child.name.startswith("_"):
            yield from _of_node(child, f"{name}.{child.name}")
