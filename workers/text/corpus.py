"""Which real text the project's own base learns from: the installed Python's documentation and docstrings.

Every Python comes with it, so nothing is downloaded. Whole subjects (`SUBJECTS`) are left out of the base's
corpus: their passages are what demo, tests and benchmarks contribute and hold out, text it has never seen.

Covered: order and content decided by the installed standard library alone. Not covered: other languages.
"""

import ast
import inspect
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from pydoc_data import topics

SUBJECTS: dict[str, tuple[str, ...]] = {
    "asyncio": ("asyncio",),
    "email": ("email", "smtplib", "imaplib", "poplib", "mailbox"),
    "http": ("http", "urllib", "xmlrpc", "wsgiref", "socketserver"),
    "logging": ("logging", "warnings", "traceback"),
    "tkinter": ("tkinter", "turtle"),
}
"""Subjects kept from the base, with the top-level modules each is made of."""
SKIPPED = ("site-packages", "test", "tests", "idlelib", "lib2to3", "pydoc_data", "turtledemo", "__pycache__")
LEAST_CHARACTERS = 40
MOST_CHARACTERS = 1_200


@dataclass(frozen=True, slots=True)
class Passage:
    """One documented thing: dotted `name`, `signature` (what stands in brackets, or ""), docstring `text`."""

    name: str
    signature: str
    text: str

    @property
    def subject(self) -> str:
        """Which of `SUBJECTS` it belongs to, or "" for the base's own."""
        top = self.name.partition(".")[0]
        return next((subject for subject, modules in SUBJECTS.items() if top in modules), "")


def base_passages() -> list[Passage]:
    """What the base is trained on: everything outside of SUBJECTS, and the language reference's topics."""
    found = [passage for passage in library_passages() if not passage.subject]
    return found + [Passage(name, "", text.strip()) for name, text in sorted(topics.topics.items())]


def subject_passages(subject: str) -> list[Passage]:
    """What one subject's functions and classes say of themselves, without repetitions, in order."""
    by_text = {
        passage.text: passage
        for passage in library_passages()
        if passage.subject == subject and LEAST_CHARACTERS <= len(passage.text) <= MOST_CHARACTERS
    }
    return list(by_text.values())


@cache
def library_passages() -> tuple[Passage, ...]:
    """Every docstring of the standard library's Python files, by path and place."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(
        file.relative_to(root)
        for file in root.rglob("*.py")
        if not set(file.relative_to(root).parts) & set(SKIPPED)
    )
    return tuple(passage for file in files for passage in _of_file(root / file, _module_name(file)))


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
