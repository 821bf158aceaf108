"""From logged answers to outcomes: the score by the question's key, and the cost. It calls no model."""

import hashlib
import sys
from collections.abc import Sequence

from agents.errors import InputError
from app.profile.call_log import Call, CallLog
from app.profile.graders.key import Code
from app.profile.graders.sandbox import grade_code, openings
from app.profile.questions import Question
from app.profile.table import Outcome
from graphs.checking.reading import code_of, thought_out

__all__ = ["Grader"]


class Grader:
    """Grades answers; a program that was run once is not run again."""

    def __init__(self, *, allow_code: bool, compute_usd_per_hour: float) -> None:
        """Programs run only where they are allowed; the price is that of an hour of this machine's processor."""
        self._allow_code = allow_code
        self._usd_a_second = compute_usd_per_hour / 3600

    def check(self, questions: Sequence[Question]) -> None:
        """Check that all can be graded, before anything is paid for.

        Raises:
            InputError: programs are to be run, and that was not allowed.
        """
        if not any(isinstance(question.key, Code) for question in questions):
            return
        if not self._allow_code:
            raise InputError(
                "some questions are graded by running what models write; give --allow-code to let that be"
            )
        if openings():
            print(
                f"programs are not kept from this machine's {', '.join(openings())}: the system has not what shuts "
                "them in; run this where there is nothing to lose",
                file=sys.stderr,
            )

    def outcome(self, question: Question, call: Call, log: CallLog) -> Outcome:
        """Return how the model did; the question has a key."""
        assert question.key is not None
        cost = call.cost_usd + self._usd_a_second * (call.compute_s or 0.0)
        text = thought_out(call.answer)
        if isinstance(question.key, Code):
            score = self._code(question.key, text, log)
            return Outcome(score=score, cost_usd=cost, answer=code_of(text).strip())
        grade = question.key.grade(text)
        return Outcome(score=grade.score, cost_usd=cost, answer=grade.answer)

    def _code(self, key: Code, text: str, log: CallLog) -> float:
        asked = f"{key.seconds}\0{key.tests}\0{text}"
        name = hashlib.sha256(asked.encode(errors="replace")).hexdigest()[:32]
        if name not in log.grades:
            log.add_grade(name, grade_code(key, text).score)
        return log.grades[name]
