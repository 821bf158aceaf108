"""Sends a process's spans to where OpenTelemetry's own variables say, and writes its log, for people or for programs.

    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 python -m app.chat

What spans there are, `graphs/tracing.py` says. LangSmith needs nothing of this: LangChain reads LANGSMITH_TRACING and
LANGSMITH_API_KEY by itself.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from agents.errors import SettingsError
from agents.extras import how_to_install
from graphs.redaction import RedactingFilter

__all__ = ["JsonLines", "exporting", "logging_to"]

_ASKED_BY = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class JsonLines(logging.Formatter):
    """Writes an object a line: time, level, logger, text, and what a turn was decided by."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            line["error"] = record.exc_text
        if (decided := getattr(record, "record", None)) is not None:
            line["record"] = decided
        return json.dumps(line, default=str, ensure_ascii=False)


@contextmanager
def logging_to(handler: logging.Handler, *, plain: bool = True) -> Iterator[None]:
    """Let all warnings go to `handler` while the context lasts, without keys and personal data.

    Args:
        handler: where to; closed at the end.
        plain: as text for people; else an object a line, and a line for each turn.
    """
    handler.addFilter(RedactingFilter())
    handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT) if plain else JsonLines())
    logging.getLogger().addHandler(handler)
    if not plain:
        logging.getLogger("moma.turns").setLevel(logging.INFO)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


@contextmanager
def exporting(service: str) -> Iterator[None]:
    """Export spans while the context lasts, if OpenTelemetry's variables name a place; what is left is sent at its end.

    Args:
        service: the name under which they appear, unless OTEL_SERVICE_NAME is set.

    Raises:
        SettingsError: a place is named and the extra `telemetry` is not installed.
    """
    asked = next((name for name in _ASKED_BY if os.environ.get(name)), None)
    if asked is None or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            f"{asked} is set, which needs the extra telemetry; install it: {how_to_install('telemetry')}"
        ) from None
    name = os.environ.get("OTEL_SERVICE_NAME") or service
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()
