"""What the process has imported from which all others are forked: everything that takes seconds."""

import tests.support.drivers  # noqa: F401
from graphs.gateway import transport

transport.load()
