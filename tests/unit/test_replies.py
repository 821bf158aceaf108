"""Short replies as people write them, and texts that only begin like one."""

# ruff: noqa: RUF001  look-alike letters are what is tested
import time

import pytest

from agents.replies import Reply, approved, normalise, read_reply

AFFIRM = """
yes | Yes. | YES! | yep | yeah | yup | y | Yes, please. | yes please do | Sure | sure thing
sure, why not | OK | okay | ok then | alright | all right | Of course! | certainly | absolutely
definitely | Correct. | That is correct. | That's right | that’s right | Yes, that is right.
exactly | Confirm | confirmed | I confirm | approved | go ahead | Yes, go ahead
ok go ahead please | do it | do it now | yes, do that | please do | sounds good
Yes, that sounds good. | That sounds great, thanks | looks right | works for me | that works
That will do | let's do it | perfect | great | That's fine | that is fine by me | yes yes
oh yes | well, ok | “yes” | 'yes' | yes, delete it | Yes, delete all of them please
yes, all of them | it is | I do | true | sí | oui | ja | да | はい | 👍 | ok 👍🏽
"""
DENY = """
no | No. | n | nope | nah | no thanks | No, thank you. | no way | not yet | Not now, please
not really | not at all | never | absolutely not | of course not | wrong | That's wrong.
that is not right | incorrect | don't | Don't do it | please don't | do not do that
don’t delete anything | i don't want to | I don't think so | no, no | oh no | ok, no
no, please don't | neither | none of them | false | nein | нет | 👎
"""
CANCEL = """
cancel | Cancel that. | please cancel it | never mind | nevermind | Never mind then | forget it
forget about it | stop | stop it | Stop, please | abort | quit | drop it | leave it | scrap that
no, never mind | ok cancel | no, stop
"""
CLOSE = """
thanks | Thanks! | thank you very much | ok, thanks | Great, thank you | thx | cheers
Thanks a lot, bye | bye | bye bye | goodbye | Good bye! | see you later | good night
have a nice day | That's all | No, that's all. | that is all for now
that will be all, thank you | no, that's everything | I'm done | i'm good, thanks | nothing else
No, nothing else, thanks | thank you for your help | we're done
"""
MORE_THAN_A_REPLY = """
no milk left | that is the wrong day | yes but make it 10 | stop the timer | yes? | ok?
is that right? | right now | yes tomorrow | no, tomorrow | no, 10 | ok 10 | yes or no | yes no
yes and no | yes, cancel | no, go ahead | no do it | no more than five | no idea | not sure
no one | that | this | it | that's | that is | cancel my reminder | cancel the order | delete it
delete all my tasks | yes, delete task 2 | thanks for nothing but the dates
bye bye birdie lyrics | wrong number | right angle | fine print | good morning | well done
true or false | never on Sundays | okay so what is 2+2 | do it tomorrow | leave it at nine
forget the milk | drop table tasks | I don't know | i do not want fish | all of them are wrong
nothing works | great wall of China | perfect squares below 100 | maybe | perhaps later
no problem with the second one | sure, if it is cheap | k2 height | sí, mañana
yes, please add eggs | 10 | ' | ! | 👍 all except milk
"""


def phrasings(block: str) -> list[str]:
    return [text.strip() for line in block.strip().splitlines() for text in line.split("|")]


LABELLED = [
    *((text, "affirm") for text in phrasings(AFFIRM)),
    *((text, "deny") for text in phrasings(DENY)),
    *((text, "cancel") for text in phrasings(CANCEL)),
    *((text, "close") for text in phrasings(CLOSE)),
]


@pytest.mark.parametrize(("text", "reply"), LABELLED)
def test_a_reply_is_read_in_many_phrasings(text: str, reply: Reply) -> None:
    assert read_reply(text) == reply


@pytest.mark.parametrize("text", phrasings(MORE_THAN_A_REPLY))
def test_a_text_that_says_more_than_a_reply_is_none(text: str) -> None:
    assert read_reply(text) is None


@pytest.mark.parametrize("text", ["", " ", "\n", "...", "yes " * 60, "😀"])
def test_nothing_and_too_much_are_no_replies(text: str) -> None:
    assert read_reply(text) is None


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (True, True),
        (False, False),
        ({"approved": True}, True),
        ({"approved": False}, False),
        ("yes, go ahead", True),
        ("no", False),
        ("never mind", False),
        # What is not clearly a yes is never one.
        ({"approved": "yes"}, None),
        ({"approved": 1}, None),
        ({"yes": True}, None),
        ({}, None),
        (None, None),
        (1, None),
        (["yes"], None),
        ("thanks", None),
        ("that", None),
        ("yes?", None),
        ("yes, but not the first", None),
        ("", None),
    ],
)
def test_an_approval_is_a_clear_yes(answer: object, verdict: bool | None) -> None:
    assert approved(answer) is verdict


def test_text_is_folded_to_plain_words() -> None:
    assert normalise("  That’s ＦＩＮＥ,\n'ok'! ") == "that's fine ok"


def test_a_reply_made_to_be_slow_is_read_at_once() -> None:
    began = time.perf_counter()
    for words in (
        "that works for me ",
        "do it ",
        "thanks ",
        "no thanks ",
        "please ",
        "don't ",
        "no",
    ):
        read_reply((words * 60)[:119] + "x")
    assert time.perf_counter() - began < 15
