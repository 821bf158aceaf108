"""What is proved of a policy before it runs, under which assumptions, and what its own tests show."""

from graphs.policy.checks.check import check_policy
from graphs.policy.checks.known import Known
from graphs.policy.checks.report import Verdict, verdicts
from graphs.policy.checks.tests import run_tests

__all__ = ["Known", "Verdict", "check_policy", "run_tests", "verdicts"]
