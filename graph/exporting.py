"""Where traces of turns go besides being kept: to a collector, if the settings name one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph.settings import Settings
from graph.tracing import Export, exported_to_nobody


@asynccontextmanager
async def exporting(settings: Settings, instance: str) -> AsyncIterator[Export]:
    """What traces are passed to; at the end it may send what waits, within a bound."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        yield exported_to_nobody
        return
    from monitoring.otlp import Exporter  # noqa: PLC0415 (takes a while to import)

    exporter = Exporter(endpoint, settings.otlp_headers, settings.tria_trace_share, instance)
    try:
        yield exporter.offer
    finally:
        await asyncio.to_thread(exporter.close)
