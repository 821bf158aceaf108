"""Reads wishes to add a task: "remind me to ...", "add ... to my list". It settles no date."""

import re

from agents.tasks.command import MY_LIST, NOUN, Command, Verb, match
from agents.tasks.phrases import read_when, split_when

_NO_PRODUCT = (
    r"(?![ -](?:list|app|manager|tracker|queue|runner|scheduler|bar|force|board|management)\b)"
)
_ASIDE = r"(?:be|tell (?:you )?the truth|sum up|conclude|make matters|answer)\b"


def read_adding(text: str) -> Command | None:
    """Return the wish for a new task that `text` is as a whole, or None."""
    if found := match(r"remind me(?: again)?(?P<body>[ :,].*)?", text):
        return _remind((found["body"] or "").strip(" :,"))
    if found := match(
        rf"(?P<verb>add|create|make|set(?: up)?|put|start|new|schedule) (?:me )?(?:(?:a|an|another|one|the) )?"
        rf"(?:new )?(?P<noun>{NOUN}){_NO_PRODUCT}(?: (?:for me|(?:to|on|in) {MY_LIST}))*"
        r"(?P<body>[ :,-].*)?",
        text,
    ):
        return _new_task(found["verb"], found["noun"], (found["body"] or "").strip(" ,"))
    if found := match(
        rf"(?:add|put|write)(?: this| these)? (?:to|on|onto|in|into) {MY_LIST}(?P<body>[ :,].*)?",
        text,
    ):
        return Command(verb=Verb.ADD, value=(found["body"] or "").strip(" :,"))
    if found := match(
        rf"(?:add|put|stick|write|jot|place|include)(?: down)? (?P<body>.+?) (?:down )?(?:to|on|onto|in|into) {MY_LIST}"
        r"(?P<tail>[ ,:].*)?",
        text,
    ):
        return _listed(found["body"], (found["tail"] or "").strip(" ,:"))
    return _noted(text)


def _noted(text: str) -> Command | None:
    found = match(rf"(?:note to self|(?:new )?{NOUN}) ?[:-] ?(?P<body>.+)", text) or match(
        r"(?:don't let me forget|make sure (?:that )?i don't forget|i (?:must|need to|have to|should) remember"
        r"|help me(?: to)? remember|remember)(?: to (?P<body>.+))",
        text,
    )
    return Command(verb=Verb.ADD, value=found["body"], remind=True) if found else None


def _remind(body: str) -> Command | None:
    rest, when = split_when(body)
    leading = bool(when) and body.lower().startswith(when.lower())
    if not body or not rest:
        return Command(verb=Verb.ADD, value=when, remind=True)
    found = match(r"(?:to|about|that)(?: (?P<what>.+))?", rest if leading else body)
    if found:
        what = found["what"] or ""
        return Command(
            verb=Verb.ADD, value=f"{what} {when}".strip() if leading else what, remind=True
        )
    if when and not re.match(
        r"(?:what|who|why|how|where|which|when|whether|if)\b", rest, re.IGNORECASE
    ):
        what = re.sub(r"^(?:of|for) ", "", rest, flags=re.IGNORECASE)
        return Command(verb=Verb.ADD, value=f"{what} {when}", remind=True)
    return None


def _new_task(verb: str, noun: str, body: str) -> Command | None:
    remind = noun.lower().startswith("reminder")
    rest, when = split_when(body)
    if not rest:
        return Command(verb=Verb.ADD, value=when, remind=remind)
    leading = body.lower().startswith(when.lower()) and bool(when)
    words = rest if leading else body
    named = r"to|about|that says|saying|called|named|titled|[:-]"
    found = match(rf"(?:(?:{named}) ?(?<=[ :-]))(?P<what>.+)", words)
    if found is None and (remind or verb.lower() == "add"):
        found = match(r"for (?P<what>.+)", words)
    if (
        found is None
        and verb.lower() in ("add", "new", "put")
        and not match(r"(?:for|in|with|using|and|which)\b.*", words)
    ):
        found = match(r"(?P<what>.+)", words)
    if found is None:
        return None
    return Command(
        verb=Verb.ADD,
        value=f"{found['what']} {when}".strip() if leading else found["what"],
        remind=remind,
    )


def _listed(body: str, tail: str) -> Command | None:
    if match(
        rf"(?:something|it|this|that|(?:a|an|another)(?: new)? (?:{NOUN}|item|thing|one))", body
    ):
        body = ""
    if tail and read_when(tail) is None:
        return None
    body = re.sub(
        r"^(?:(?:a|an|the) )?(?:new )?(?:task|to-?do|reminder|item)(?: to|:) ",
        "",
        body,
        flags=re.IGNORECASE,
    )
    return Command(verb=Verb.ADD, value=f"{body} {tail}".strip())


def read_engaged(text: str, *, goes_on: bool = False) -> Command | None:
    """Return what "add eggs" wishes when the list was just being talked about, or None.

    Args:
        text: the words, without what opens them.
        goes_on: whether they were opened with "and", so that "to buy flowers" is one task more.
    """
    if goes_on and (found := match(rf"to (?!{_ASIDE})(?P<body>[^\W\d_]{{2,}} .*)", text)):
        return Command(verb=Verb.ADD, value=found["body"], remind=True)
    found = match(
        r"(?:(?:and |also )?add|put) (?P<body>.*[^\W\d_]{2}.*?)(?: (?:to|on) (?:the list|it))?",
        text,
    )
    if found is None or re.search(r"\d (?:and|to|plus|\+) \d", found["body"]):
        return None
    return Command(verb=Verb.ADD, value=re.sub(r"^(?:another|also) ", "", found["body"]))
