"""The words with a meaning of their own in a question about data. Plain tables, no logic.

Phrases are tuples of lower-case words; a reader tries the longer ones first.
"""

from typing import Final

from agents.data.query import Bucket, Function, Operator

Phrase = tuple[str, ...]


def _phrases(text: str) -> tuple[Phrase, ...]:
    """Return the phrases of a list with commas, the longest first."""
    return tuple(sorted((tuple(part.split()) for part in text.split(",")), key=len, reverse=True))


FUNCTIONS: Final[dict[Function, tuple[Phrase, ...]]] = {
    "count distinct": _phrases(
        "how many different,how many distinct,how many unique,number of distinct,number of "
        "different,number of unique, "
        "count distinct,count unique,count of distinct"
    ),
    "count": _phrases(
        "how many,total number of,number of,the number of,count of,count,counts,row count"
    ),
    "avg": _phrases("average,avg,mean,on average"),
    "sum": _phrases("sum,sum of,total,totals,how much,overall,combined,add up"),
    "median": _phrases("median"),
    "min": _phrases("minimum,min"),
    "max": _phrases("maximum,max"),
}

COMPARATORS: Final[dict[Operator, tuple[Phrase, ...]]] = {
    ">=": _phrases("at least,no less than,not less than,minimum of,>="),
    "<=": _phrases("at most,no more than,not more than,up to,<="),
    ">": _phrases(
        "over,above,more than,greater than,higher than,larger than,bigger than,exceeding,exceeds,exceed,>"
    ),
    "<": _phrases("under,below,less than,lower than,fewer than,smaller than,cheaper than,<"),
    "=": _phrases("equal to,equals,exactly,=,=="),
    "<>": _phrases("not equal to,!=,<>"),
}

BEFORE: Final = _phrases("before,earlier than,prior to,older than,until before")
AFTER: Final = _phrases("after,later than,newer than")
SINCE: Final = _phrases("since,starting,from,on or after,>=")
UNTIL: Final = _phrases("until,till,through,up to,on or before,<=")
DURING: Final = _phrases("in,on,during,for,within,of,from,over,dated,made in,only in")

GROUPING: Final = _phrases(
    "grouped by,group by,broken down by,split by,for each,in each,of each,by each,by,per,each,every,across"
)
ORDERING: Final = _phrases(
    "sorted by,ordered by,order by,sort by,sorted on,ranked by,sort them by,order them by"
)
BUCKETS: Final[dict[str, Bucket]] = {
    "day": "day",
    "daily": "day",
    "week": "week",
    "weekly": "week",
    "month": "month",
    "monthly": "month",
    "quarter": "quarter",
    "quarterly": "quarter",
    "year": "year",
    "yearly": "year",
    "annual": "year",
}

HIGHEST: Final = frozenset(
    "most highest largest biggest greatest maximum max top best longest".split()
)
LOWEST: Final = frozenset("least lowest smallest fewest minimum min bottom worst shortest".split())
PRICE_WORDS: Final = {
    "expensive": True,
    "priciest": True,
    "dearest": True,
    "cheap": False,
    "cheapest": False,
}
DATE_WORDS: Final = {
    "latest": True,
    "newest": True,
    "recent": True,
    "earliest": False,
    "last": True,
    "first": False,
    "oldest": False,
}

NEGATIONS: Final = _phrases(
    "not from,not in,not,except for,except,excluding,other than,isn't,aren't,without,non"
)
MISSING: Final = _phrases(
    "with no,without,without a,without an,missing,has no,have no,lacking,no,with missing"
)
IS_MISSING: Final = _phrases(
    "is missing,are missing,is null,is empty,is blank,are empty,are null,missing,null"
)
IS_PRESENT: Final = _phrases("is not null,is not empty,is not missing,is present,is filled")
EQUALS: Final = _phrases("is equal to,is,are,was,equals,equal to,of,=,==,called,named")
CONTAINING: Final = _phrases(
    "contains,containing,contain,includes,including,like,that contains,with the word"
)

LISTING: Final = frozenset(
    "show list display print give get find see fetch view return select preview sample".split()
)
ASKING: Final = frozenset("which what who whose what's where".split())
DISTINCT: Final = frozenset("distinct unique different".split())
ROW_WORDS: Final = frozenset(
    "row record entry line item table file dataset data csv database sheet".split()
)

STOP: Final = frozenset(
    "the a an of in on for from with is are was were be been do does did done have has had "
    "having i we you they he she it its "
    "my our your their his her me us them there that this these those please can could would "
    "will should tell know want "
    "need like all any and or to at as than then where who when if so also just only now but "
    "what about how same again "
    "made placed selling sold bought come came exist exists contain contains out up per by each one "
    "ones see value values "
    "column columns field fields whose into within across between overall together ever "
    "currently got get let let's hey hi "
    "hello ok okay thanks much many 's lives live living located based recorded registered "
    "happened occurred kind kinds "
    "asc ascending desc descending instead still said called named respectively".split()
)

BEYOND_RULES: Final = frozenset(
    "percentage percent share proportion ratio compare comparison versus vs difference growth trend correlation "
    "correlate cumulative running forecast predict change join joined outlier histogram plot chart".split()
)
WRITING: Final = frozenset(
    "delete remove drop insert update add create write change rename alter truncate remind set upload save".split()
)
FOLLOW_UP: Final = _phrases(
    "and,now,but,only,just,also,what about,how "
    "about,same,then,instead,ok,okay,for,by,in,excluding,except,without,sorted by, "
    "order by,sort by,group by,per,where,with,not"
)
