"""One line for each event, on standard error; what a request put into a message cannot start a line of its own."""

import json
import logging
import re
import sys
import time

from modelyard.settings import Settings

_CHATTY = ("alembic", "uvicorn", "httpx", "httpcore")
"""Their news of normal days are not the operator's; the last two tell addresses, which may be secrets."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def configure_logging(settings: Settings, process: str) -> None:
    """Send all loggers to standard error in the chosen format. ``process`` names this one, like ``worker-1``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process) if settings.log_format == "json" else PlainLines(process))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    logging.captureWarnings(capture=True)
    for library in _CHATTY:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLogger().level))


class PlainLines(logging.Formatter):
    """``2026-03-01T12:00:00.000Z INFO worker-1[42] message``; control characters appear as escapes."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {process}[%(process)d] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), super().format(record))


class JsonLines(PlainLines):
    """One JSON object with time, level, process, pid, logger, message and, for failures, exception."""

    def __init__(self, process: str) -> None:
        super().__init__(process)
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event)
