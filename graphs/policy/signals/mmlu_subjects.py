"""The 57 subjects of MMLU (arXiv 2009.03300) by the category that a domain signal reads."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CATEGORY_OF"]

_SUBJECTS: Mapping[str, str] = {
    "biology": "college biology, high school biology",
    "business": "business ethics, management, marketing, professional accounting",
    "chemistry": "college chemistry, high school chemistry",
    "computer science": "college computer science, computer security, high school computer science, machine learning",
    "economics": "econometrics, high school macroeconomics, high school microeconomics",
    "engineering": "electrical engineering",
    "health": (
        "anatomy, clinical knowledge, college medicine, human aging, human sexuality, medical genetics, nutrition, "
        "professional medicine, virology"
    ),
    "history": "high school european history, high school us history, high school world history, prehistory",
    "law": "international law, jurisprudence, professional law",
    "math": (
        "abstract algebra, college mathematics, elementary mathematics, high school mathematics, high school statistics"
    ),
    "other": (
        "global facts, high school geography, high school government and politics, miscellaneous, public relations, "
        "security studies, sociology, us foreign policy"
    ),
    "philosophy": "formal logic, logical fallacies, moral disputes, moral scenarios, world religions",
    "physics": "astronomy, college physics, conceptual physics, high school physics",
    "psychology": "high school psychology, professional psychology",
}
CATEGORY_OF: Mapping[str, str] = MappingProxyType(
    {subject: category for category, names in _SUBJECTS.items() for subject in names.split(", ")}
)
"""By subject, in small letters with spaces; a subject with a category's own name (philosophy) is that category."""
