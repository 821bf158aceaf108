"""Serve MoMA to an MCP client, such as an editor or a desktop assistant, over standard input and output."""

import argparse
import asyncio
import logging
import sys

from agents.errors import MomaError
from agents.extras import how_to_install
from app.assembly import make_options
from app.ending import ended
from app.leaving import leave
from app.settings import Settings, read_settings
from graphs.redaction import RedactingFilter

_EPILOG = "Exit status: 0 the client has left, 2 bad usage or a broken set-up."


def main(argv: list[str] | None = None) -> int:
    """Serve until the client leaves; return the exit status."""
    return ended(lambda: _main(argv))


def _main(argv: list[str] | None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.mcp", description=__doc__, epilog=_EPILOG)
    parser.parse_args(argv)
    settings = read_settings()
    # Standard output is the client's.
    (log := settings.make_home() / "mcp.log").touch(mode=0o600)
    logging.basicConfig(filename=log, level=logging.WARNING)
    logging.getLogger().handlers[0].addFilter(RedactingFilter())
    asyncio.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    try:
        from app.mcp.tools import make_mcp
    except ImportError as error:
        if not str(error.name).startswith("mcp"):
            raise
        raise MomaError(
            f"this needs the extra protocols; install it: {how_to_install('protocols')}"
        ) from None
    from graphs import Services, build_graph
    from graphs.checkpoints import open_threads

    services = Services.from_catalog(
        settings.read_catalog(), make_options(settings, on_progress=_note)
    )
    try:
        async with open_threads(settings.threads_place) as saver:
            graph = build_graph(services=services, checkpointer=saver)
            services.warm()
            await make_mcp(graph, services).run_stdio_async()
    finally:
        services.close()


def _note(text: str) -> None:
    print(f"moma: {text}", file=sys.stderr)


if __name__ == "__main__":
    leave(main())
