"""Why a calculation gives no answer. The texts are one line and are shown to the user or the router.

Problem
├── NotACalculation   the text is not for a calculator; another agent or a model may serve it
├── Refused           it is a calculation, and there is an honest reason for not answering it
└── NotRational       the value is no ratio of two whole numbers; the symbolic engine is needed
"""

from __future__ import annotations


class Problem(Exception):
    """The root of the calculator's own errors."""


class NotACalculation(Problem):
    """The text cannot be read as a calculation."""


class Refused(Problem):
    """The calculation is undefined, too large or too slow."""


class NotRational(Problem):
    """The value cannot be held as a fraction."""
