"""How the node speaks: structured lines on standard error, in the format the operator chose."""

import io
import logging
import sys
from typing import Literal, TextIO, cast

import structlog

LogFormat = Literal["console", "json", "logfmt"]
LogLevel = Literal["debug", "info", "warning", "error"]

ORGANS = ("rollup_bridge", "sequencer", "workers")

SECRET_WORDS = ("key", "secret", "password", "mnemonic", "token", "authorization")


def _redact(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Replace the value of every field whose name speaks of a secret."""
    for name in event:
        if name != "event" and any(word in name.lower() for word in SECRET_WORDS):
            event[name] = "[redacted]"
    return event


def _shorten(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Write bytes as 0x hex: hashes and addresses are all we log as bytes."""
    for name, value in event.items():
        if isinstance(value, bytes):
            event[name] = "0x" + value.hex()
    return event


class _StandardError(io.TextIOBase):
    """Whatever standard error is when a line is written: it may be replaced after `configure`."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure(level: LogLevel, style: LogFormat) -> None:
    """Route structlog and the standard library's loggers to standard error; called once, by the CLI.

    The organs log through the standard library, the house through structlog; both come out alike. Libraries
    are heard from `warning` on.
    """
    renderers: dict[str, structlog.types.Processor] = {
        "console": structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        "json": structlog.processors.JSONRenderer(),
        "logfmt": structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
    }
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redact,
        _shorten,
    ]
    numeric = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderers[style]],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_StandardError())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderers[style]],
        )
    )
    logging.basicConfig(level=max(numeric, logging.WARNING), handlers=[handler], force=True)
    for organ in ORGANS:
        logging.getLogger(organ).setLevel(numeric)
