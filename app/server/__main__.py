"""Serve MoMA to chat UIs and programs that speak OpenAI's API, or make a key for one of them."""

import argparse
import ipaddress
import logging
import os
import sys
from collections.abc import Sequence

from agents.errors import SettingsError
from app.ending import ended
from app.leaving import leave_within
from app.settings import Settings, read_settings
from app.telemetry import exporting, logging_to

_THREADS_A_TURN = 4
"""An agent that hangs in each turn rests before it can take those of all others."""
_LONGEST_END_S = 2.0
_EPILOG = "Exit status: 0 ended on request, 2 bad usage, bad input or a broken set-up."


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m app.server", description=__doc__, epilog=_EPILOG
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--port", type=_port, default=8000, help="the port to listen on (default: 8000)"
    )
    commands = parser.add_subparsers(dest="command")
    key = commands.add_parser("key", help="make a key; it is shown once", epilog=_EPILOG)
    key.add_argument("--user", required=True, help="whose threads and whose money it is")
    for name, text in {
        "grants": "what the bearer is granted",
        "models": "wildcards of models that may serve",
        "agents": "wildcards of agents that may serve",
    }.items():
        key.add_argument(f"--{name}", type=_words, help=f"{text}, with commas between")
    key.add_argument("--preference", help="cost, auto, performance, or a number from 0 to 1")
    key.add_argument("--budget-usd", type=float, help="the most that a turn may cost")
    key.add_argument(
        "--forwards-users", action="store_true", help="the bearer is a chat UI that names its users"
    )
    key.add_argument("--debug", action="store_true", help="the bearer may read decision records")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server, or make a key, and return the exit status."""
    return ended(lambda: _main(_arguments(argv)))


def _main(arguments: argparse.Namespace) -> int:
    if arguments.command == "key":
        return _make_key(arguments)
    return _serve(arguments, read_settings())


def _make_key(arguments: argparse.Namespace) -> int:
    from app.server.keys import make_key

    names = (
        "user", "grants", "models", "agents", "preference", "budget_usd", "forwards_users", "debug",
    )  # fmt: skip
    key, entry = make_key(**{name: getattr(arguments, name) for name in names})
    print(f"The key, which is shown this once:\n\n  {key}\n")
    print(f"Its entry for the file that MOMA_API_KEYS names:\n\n{entry}", end="")
    return 0


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.server.door import hosts_of
    from app.server.keys import Keys

    keys = Keys.from_file(settings.api_keys) if settings.api_keys else None
    loopback = _is_loopback(arguments.host)
    if keys is None and not loopback:
        raise SettingsError(
            f"--host {arguments.host} can be reached from other machines, and there are no keys: set MOMA_API_KEYS, "
            "or listen on 127.0.0.1"
        )
    _check_free(arguments.host, arguments.port)
    settings.make_home()
    settings.read_catalog()  # so that a fault in it is told on one line
    hosts = hosts_of(settings.server_hosts, loopback=loopback)

    from app.server.a2a import need_protocols
    from app.server.application import make_app
    from app.server.resources import open_resources
    from app.server.serving import serve

    if settings.a2a_url:
        need_protocols()
    app = make_app(lambda: open_resources(settings, keys), hosts=hosts, a2a_url=settings.a2a_url)
    plain = settings.log == "text"
    with logging_to(logging.StreamHandler(sys.stderr), plain=plain), exporting("moma-server"):
        place = _place(arguments.host, arguments.port)
        started = serve(
            app,
            host=arguments.host,
            port=arguments.port,
            drain_seconds=settings.drain_seconds,
            threads=_THREADS_A_TURN * settings.turns_at_once,
            listening=lambda: print(f"MoMA listens on http://{place}/v1", flush=True),
            closed=lambda: leave_within(_LONGEST_END_S, 0),
        )
    return 0 if started else 2


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, before anything is loaded."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            # The resolver's numbers are not the system's.
            named = isinstance(error, socket.gaierror)
            why = error.strerror if named else os.strerror(error.errno or 0)
            raise SettingsError(f"cannot listen on {_place(host, port)} ({why})") from None


def _place(host: str, port: int) -> str:
    """Return an address as a URL has it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 1 to 65535")
    return int(text)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


if __name__ == "__main__":
    sys.exit(main())
