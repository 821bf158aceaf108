"""Agent ids for any text: an answer or one clear error, and no two legal ids that fold to the same."""

# ruff: noqa: RUF001  look-alike letters are what is tested
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from agents.card import LONGEST_ID, check_id, check_unique, skeleton
from agents.errors import CatalogError

LETTERS = st.sampled_from("aAbBé_-.7αΑаАсС\u200b\u0301ßﬁ:|\n日の")
IDS = st.text(max_size=120) | st.text(LETTERS, max_size=8)
SCRIPTS = st.sampled_from(("aAbBcıß", "аАвВсС", "αΑβΒςσ"))
LEGAL = SCRIPTS.flatmap(lambda script: st.text(script, min_size=1, max_size=4))


def is_taken(agent_id: str) -> bool:
    try:
        return check_id(agent_id) == agent_id
    except CatalogError:
        return False


@given(IDS)
def test_a_taken_id_holds_only_what_is_allowed(agent_id: str) -> None:
    if is_taken(agent_id):
        assert 0 < len(agent_id) <= LONGEST_ID
        assert unicodedata.normalize("NFKC", agent_id) == agent_id
        assert all(c.isalnum() or c in "_-." for c in agent_id)
        assert not agent_id.startswith("__")


@given(LEGAL, LEGAL)
def test_two_ids_live_together_only_if_their_skeletons_differ(one: str, other: str) -> None:
    try:
        check_unique([one, other])
    except CatalogError:
        assert skeleton(one) == skeleton(other)
    else:
        assert unicodedata.normalize("NFKC", one.casefold()) != unicodedata.normalize(
            "NFKC", other.casefold()
        )


@given(LEGAL)
def test_an_id_is_the_twin_of_its_own_case_changes(agent_id: str) -> None:
    assert skeleton(agent_id) == skeleton(agent_id.casefold())
