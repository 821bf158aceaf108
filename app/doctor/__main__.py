"""Says what is configured, reachable and masked, and why; `machine` prints the transition table."""

import argparse
import sys
from collections.abc import Sequence

from app.ending import ended

_EPILOG = "Exit status: 0 sound, 1 faults found, 2 bad usage or a broken set-up."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the doctor and return the exit status."""
    return ended(lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m app.doctor", description=__doc__, epilog=_EPILOG
    )
    parser.add_argument("what", nargs="?", choices=["machine"], help="print the transition table")
    arguments = parser.parse_args(argv)
    # Here, since what examines a set-up takes a second to load, and the table needs none of it.
    if arguments.what == "machine":
        from app.doctor.machine import print_machine

        return print_machine()
    from app.doctor.examination import examine
    from app.settings import read_settings
    from app.view import make_console

    return examine(make_console(), read_settings())


if __name__ == "__main__":
    sys.exit(main())
