"""How the process speaks to its operator: structured lines on standard error, without personal data.

A filter refuses any line that carries something shaped like a key, so that a careless log call cannot leak one.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = re.compile(r"tsk_[0-9a-zA-Z_-]{8,}|/l/[0-9a-zA-Z_-]{16,}")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def blackout(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace keys and link tokens in every text of a line; a traceback is text by then."""
    for name, value in line.items():
        if isinstance(value, str) and _SECRET.search(value):
            line[name] = _SECRET.sub("[secret]", value)
    return line


def configure(level: str, as_json: bool) -> None:
    """Set up structlog, and send what libraries log through the standard library the same way, warnings up."""
    shape = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            blackout,
            shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        # asked for at each line: standard error may have been replaced since, and the old one closed
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_blackout_record)
    handler.addFilter(_is_news)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _blackout_record(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    if _SECRET.search(text):
        record.msg, record.args = _SECRET.sub("[secret]", text), ()
    return True


def _is_news(record: logging.LogRecord) -> bool:
    """A request that was let go of while stopping is no fault, and uvicorn's traceback of it tells nobody anything."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
