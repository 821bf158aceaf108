"""What the process has imported from which all others are forked: everything that takes seconds."""

import pytest  # noqa: F401 the main module of the tests, which each process imports anew

import tests.support.drivers  # noqa: F401
from graphs.gateway import transport

transport.load()
