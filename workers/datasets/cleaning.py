"""Which secrets and personal data are taken out of text: named rules, of which a curator chooses, and a
curator's own list.

Each rule finds one kind of thing and either masks it (`<EMAIL>`) or drops the record. Checks that a kind of
number carries within itself (card numbers, bank accounts) are done, so that version numbers stay.

Covered: what follows a pattern or stands in the list (`denying`). Not covered: names, places and whatever
only a reader recognises.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from workers.datasets.denying import NAME as DENIED
from workers.datasets.denying import DenyList
from workers.errors import InvalidInputError

MASK, DROP = "mask", "drop"
CHAT_MARKER = "chat_marker"


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` finds candidates, `is_real` tells which of them count."""

    pattern: re.Pattern[str]
    is_real: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The value, masked; `found` counts by rule, `dropped_by` names the rule that drops it or is ""."""

    value: Any
    found: dict[str, int]
    dropped_by: str


def clean(
    value: Any, chosen: Sequence[tuple[str, str]], denied: DenyList | None = None, denied_action: str = MASK
) -> Cleaned:
    """Apply the list, then (rule, action) pairs to every text inside `value`.

    Raises InvalidInputError for unknown rules and actions.
    """
    for name, action in chosen:
        if name not in RULES or action not in {MASK, DROP}:
            raise InvalidInputError(
                f"cleaning rule {name!r} {action!r}: rules are {', '.join(RULES)}; actions are mask, drop"
            )
    if denied_action not in {MASK, DROP}:
        raise InvalidInputError(f"deny action {denied_action!r}: actions are mask, drop")
    found: Counter[str] = Counter()

    def masked(text: str) -> str:
        if denied is not None:
            text, count = denied.mask(text)
            found[DENIED] += count
        return _mask(text, chosen, found)

    cleaned = _walk(value, masked)
    actions = [(DENIED, denied_action), *chosen]
    dropped = next((name for name, action in actions if action == DROP and found[name]), "")
    found = +found
    return Cleaned(cleaned, dict(found), dropped)


def chat_marker_in(text: str) -> str:
    """The first of what chat templates tell turns by (`<|end|>`, `[INST]`), or "": text that holds one could
    put words into another's mouth."""
    found = RULES[CHAT_MARKER].pattern.search(text)
    return found.group() if found else ""


def without_chat_markers(text: str) -> str:
    """The text with its chat markers broken up (`< |end|>`), as training does: words, and nobody's turn."""
    return RULES[CHAT_MARKER].pattern.sub(lambda found: f"{found.group()[0]} {found.group()[1:]}", text)


def _walk(value: Any, masked: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list):
        return [_walk(each, masked) for each in value]
    if isinstance(value, dict):
        return {key: each if key == "parents" else _walk(each, masked) for key, each in value.items()}
    return value


def _mask(text: str, chosen: Sequence[tuple[str, str]], found: Counter[str]) -> str:
    for name, _action in chosen:
        rule = RULES[name]

        def replacement(match: re.Match[str], name: str = name, rule: Rule = rule) -> str:
            if not rule.is_real(match.group()):
                return match.group()
            found[name] += 1
            return f"<{name.upper()}>"

        text = rule.pattern.sub(replacement, text)
    return text


def _always(_text: str) -> bool:
    return True


def _is_public_address(text: str) -> bool:
    try:
        return ip_address(text).is_global
    except ValueError:
        return False


def _is_card(text: str) -> bool:
    """Luhn's check. Source: ISO/IEC 7812-1."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = [
        2 * digit - 9 * (digit > 4) if place % 2 else digit for place, digit in enumerate(reversed(digits))
    ]
    return 13 <= len(digits) <= 19 and sum(doubled) % 10 == 0 and len(set(digits)) > 1


def _is_account(text: str) -> bool:
    """The remainder that an IBAN must leave. Source: ISO 13616-1."""
    compact = text.replace(" ", "").upper()
    number = "".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])
    return 15 <= len(compact) <= 34 and int(number) % 97 == 1


def _is_phone(text: str) -> bool:
    return 9 <= sum(letter.isdigit() for letter in text) <= 15


RULES: dict[str, Rule] = {
    "private_key": Rule(
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S),
        _always,
    ),
    "access_token": Rule(
        re.compile(
            r"\b(?:AKIA[0-9A-Z]{16}|gh[opsu]_[A-Za-z0-9]{36,}|github_pat_\w{22,}|hf_[A-Za-z0-9]{30,}|"
            r"sk-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[\w-]{35}|"
            r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
        ),
        _always,
    ),
    "password_in_url": Rule(
        re.compile(r"\b[a-z][a-z0-9+.-]{0,31}://[^\s/:@]+:[^\s/@]+@[^\s/]+", re.I), _always
    ),
    "ethereum_key": Rule(re.compile(r"(?<![0-9A-Za-z])0x[0-9a-fA-F]{64}(?![0-9A-Za-z])"), _always),
    "email": Rule(re.compile(r"\b[\w.+-]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}\b"), _always),
    "iban": Rule(re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), _is_account),
    "card_number": Rule(re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])"), _is_card),
    "ip_address": Rule(
        re.compile(
            r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])|"
            r"(?<![\w:.])[23][0-9a-fA-F]{3}:(?:[0-9a-fA-F]{0,4}:){1,6}[0-9a-fA-F]{0,4}(?![\w:])"
        ),
        _is_public_address,
    ),
    "phone": Rule(
        re.compile(r"(?<![\w.+])(?:\+\d{1,3}[ .-]?|\(\d{2,5}\) ?|0\d)[\d .()/-]{6,18}\d(?!\w)"), _is_phone
    ),
    CHAT_MARKER: Rule(
        re.compile(r"<\|[^|<>\s]{1,40}\|>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>"), _always
    ),
}
"""In the order in which they are applied: a key may look like a number of another kind."""
