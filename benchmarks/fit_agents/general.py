"""Gathers requests that no specialised agent is for: chat, questions to a language model, things out of scope.

Half of them become prototypes, the other half turns, so that no turn meets itself. It knows no vectors.
"""

import random
import re

from benchmarks.fit_agents.data import Corpus, is_even

__all__ = ["apart_from_turns", "for_prototypes", "for_turns"]

_TALK = ("general_joke", "general_quirky", "qa_definition", "qa_factoid", "qa_maths")
_FACTS = ("qa_currency", "qa_stock", "cooking_recipe", "social_post", "news_query")
_OTHER_DOMAINS = frozenset(
    "kitchen_and_dining auto_and_commute work small_talk meta utility home".split()
)
# Intents of those domains that a service of SGD is for too, and replies that belong to whatever was said before.
_SHARED_INTENTS = frozenset(
    "restaurant_reservation restaurant_suggestion restaurant_reviews accept_reservations cancel_reservation "
    "confirm_reservation how_busy uber gas play_music next_song what_song update_playlist calendar calendar_update "
    "alarm weather reminder reminder_update share_location make_call text timer meeting_schedule schedule_meeting "
    "schedule_maintenance yes no maybe cancel goodbye thank_you repeat greeting traffic directions distance "
    "current_location find_phone time date smart_home".split()
)
_ANSWERS = re.compile(r"\nOptions|\nA[.)]|\nAnswer:")
_TOOL_QUERIES = 2500
_WRITTEN = 1800
_FRAMES = (
    "Write a {k} about {t}.", "Write me a short {k} on {t}", "Explain {t} to a child.",
    "Explain how {t} works in simple terms", "What are the main causes of {t}?", "What are the benefits of {t}?",
    "Give me three tips for {t}", "Summarize the history of {t}.", "Come up with a title for a {k} about {t}",
    "Paraphrase this sentence: {t} has changed how people live.", "Translate into French: I am interested in {t}.",
    "What is the difference between {t} and {u}?", "Compare {t} and {u} in a table",
    "Write an email to my boss about {t}", "Can you write a {k} on why {t} matters?",
    "Why is {t} important to society?", "What would happen if there were no {t}?",
    "Fix the grammar: he go to {t} yesterday and like it", "Generate a list of ideas about {t}",
    "Tell me a joke about {t}", "Is {t} overrated, and why do people think so?",
    "Write a Python function that models {t}", "What do philosophers say about {t}?",
    "Brainstorm names for a company in {t}", "Describe {t} using a metaphor", "How did {t} influence {u}?",
    "Classify this sentence as positive or negative: I could not stand {t}.", "Who invented {t}?",
    "Make a quiz with five questions on {t}", "What is the best way to learn about {t}?",
    "Suppose you are a teacher; how would you introduce {t}?",
    "Rewrite this so that it sounds friendlier: stop talking about {t}", "Debug this code: for i in range(10) print(i)",
    "Write a regular expression that matches an email address", "What is the capital of Mongolia?",
    "How tall is Mount Everest?", "Prove that the square root of two is irrational",
    "Should I tell my friend the truth about {t}?", "Write a dialogue between {t} and {u}",
    "Design an experiment to study {t}",
)  # fmt: skip
_TOPICS = (
    "gravity,the French Revolution,photosynthesis,friendship,climate change,machine learning,jazz,poetry,black holes,"
    "democracy,inflation,evolution,vaccines,the Roman Empire,public speaking,chess,loneliness,the ocean,electric cars,"
    "meditation,Shakespeare,recycling,bees,volcanoes,artificial intelligence,remote work,the moon landing,cooking rice,"
    "origami,honesty,time travel,ancient Egypt,basketball,DNA,quantum computing,social media,the Great Wall,rain,"
    "a brave knight,dragons,sleep,teamwork,coffee,plastic waste,learning a language,my grandmother,a lost dog,"
    "the stock market crash of 1929,autumn leaves,leadership,bullying at school,nutrition,renewable energy,"
    "the printing press,ethics,whales,minimalism,dreams,map reading,procrastination"
).split(",")
_KINDS = "story,poem,haiku,essay,song,limerick,speech,blog post,paragraph,slogan,letter,review".split(",")  # fmt: skip


def for_prototypes(corpus: Corpus) -> list[str]:
    """Return the requests that prototypes are made of."""
    talk = [q.text for q in corpus.clinc.queries if q.domain in ("small_talk", "meta")]
    mixed = [
        *corpus.clinc.out_of_scope,
        *(q.text for q in corpus.hwu.queries if q.label in _TALK),
        *_for_models(corpus),
    ]
    return [*(text for text in mixed if is_even(f"g{text}")), *talk]


def apart_from_turns(corpus: Corpus) -> list[str]:
    """Return the requests of the prototypes without those that are said in any dialogue, such as "yes" and "thanks"."""
    replies = {q.text for q in corpus.clinc.queries if q.label in _SHARED_INTENTS}
    return [text for text in for_prototypes(corpus) if text not in replies]


def for_turns(corpus: Corpus, draw: random.Random) -> list[str]:
    """Return the requests that turns are made of; what is there more than once is drawn more often."""
    tools = [q.text for q in corpus.tools.queries]
    found = [
        *corpus.clinc.out_of_scope * 6,
        *(
            q.text
            for q in corpus.clinc.queries
            if q.domain in _OTHER_DOMAINS and q.label not in _SHARED_INTENTS
        ),
        *[q.text for q in corpus.hwu.queries if q.label in (*_TALK, *_FACTS)] * 2,
        *draw.sample(tools, min(_TOOL_QUERIES, len(tools))),
        *_for_models(corpus) * 2,
    ]
    return [text for text in found if not is_even(f"g{text}")]


def _for_models(corpus: Corpus) -> list[str]:
    """Return what people ask language models: recorded questions without their options, and written ones."""
    asked = [_ANSWERS.split(text)[0].strip() for text in corpus.questions]
    draw = random.Random(4)
    written = []
    for _ in range(_WRITTEN):
        topic = draw.choice(_TOPICS)
        other = draw.choice([t for t in _TOPICS if t != topic])
        frame, kind = draw.choice(_FRAMES), draw.choice(_KINDS)
        written.append(frame.format(k=kind, t=topic, u=other))
    return [text for text in (*asked, *dict.fromkeys(written)) if text]
