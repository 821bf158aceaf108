"""What the reader of YAML and JSON files says of a broken one: file, line, what was given, what is expected."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.errors import CatalogError
from agents.source import DEEPEST, Source, dotted, shown, unknown_key


def fault_of(text: str, path: str = "c.yaml") -> str:
    with pytest.raises(CatalogError) as caught:
        Source.from_text(text, path=path)
    return str(caught.value)


FAULTS = {
    "a tab": ("a:\n\t- b\n", "c.yaml:2: while scanning for the next token found character"),
    "a key twice": ("a: 1\nb: 2\na: 3\n", "c.yaml:3: the key 'a' stands here twice; keep one"),
    "a nested key twice": ("a:\n  b: 1\n  b: 2\n", "c.yaml:3: the key 'b' stands here twice"),
    "an alias": ("a: &x 1\nb: *x\n", "c.yaml:2: the alias *x is not taken; write it out"),
    "many aliases": (
        "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        "c.yaml:2: the alias *a is not taken",
    ),
    "two documents": ("a: 1\n---\nb: 2\n", "c.yaml:2: expected a single document"),
    "a list as key": ("? [a]\n: 1\n", "c.yaml:1: while constructing a mapping found unhashable"),
    "a day that is none": ("x: 1\na: 2024-13-45\n", "c.yaml:2: given '2024-13-45', expected a"),
    "a number that is none": ("a: !!int x\n", "c.yaml:1: given 'x', expected a valid int"),
    "half a number": ("a: 0x_\n", "c.yaml:1: given '0x_', expected a valid int"),
    "a truth that is none": ("a: !!bool x\n", "c.yaml:1: given 'x', expected a valid bool"),
    "a huge number": ("a: " + "9" * 5000, "c.yaml:1: given '999"),
    "an object": ("a: !!python/object/apply:os.getcwd []\n", "c.yaml:1: could not determine a"),
    "a NUL": ("a: \x00\n", "c.yaml: not YAML: unacceptable character"),
    "a lone surrogate": ("a: \ud800\n", "c.yaml: cannot be read: 'utf-8' codec"),
    "brackets without end": ("[" * 100_000, f"c.yaml:1: nested more than {DEEPEST} levels deep"),
    "braces without end": ("{a: " * 100_000, f"c.yaml:1: nested more than {DEEPEST} levels"),
    "dashes without end": ("- " * 100_000, f"c.yaml:1: nested more than {DEEPEST} levels deep"),
    "one level too many": (
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        f"c.yaml:1: nested more than {DEEPEST} levels deep",
    ),
}
JSON_FAULTS = {
    "empty": ("", "c.json:1: not JSON: Expecting value"),
    "cut": ('{"a":\n', "c.json:2: not JSON: Expecting value"),
    "a key twice": ('{"a": 1,\n "b": 2,\n "a": 3}', "c.json:3: the key 'a' stands twice in one"),
    "a nested key twice": ('[{"b": 1},\n {"b": {"c": 1,\n "c": "}"}}]', "c.json:3: the key 'c'"),
    "brackets without end": ("[" * 100_000, "c.json: nested too deeply"),
    "a huge number": ("9" * 5000, "c.json: cannot be read: Exceeds the limit"),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS)
def test_broken_yaml_is_one_line_that_says_where(text: str, said: str) -> None:
    assert fault_of(text).startswith(said)
    assert fault_of(text).isprintable()


@pytest.mark.parametrize(("text", "said"), JSON_FAULTS.values(), ids=JSON_FAULTS)
def test_broken_json_is_one_line_that_says_where(text: str, said: str) -> None:
    assert fault_of(text, "c.json").startswith(said)
    assert fault_of(text, "c.json").isprintable()


def test_nesting_up_to_the_limit_is_read() -> None:
    text = "[" * DEEPEST + "]" * DEEPEST
    assert (
        Source.from_text(text, path="c.yaml").value == Source.from_text(text, path="c.json").value
    )


# Files


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    for name in ("c.yaml", "c.json"):
        path = tmp_path / name
        path.write_bytes(b'\xef\xbb\xbf{"a": "\xc3\xa9"}')
        assert Source.from_file(path).value == {"a": "é"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "absent.yaml",
            None,
            "cannot be read (No such file or directory); give the path of a YAML or JSON file",
        ),
        ("", None, "cannot be read (Is a directory)"),
        ("latin.yaml", b"a: caf\xe9\n", "not UTF-8 text at byte 6"),
        ("binary.yaml", bytes(range(256)), "not UTF-8 text at byte 128"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogError) as caught:
        Source.from_file(path)
    assert str(caught.value).startswith(f"{path}: {said}")


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(CatalogError, match="embedded null byte"):
        Source.from_file("a\0b")


# Places

YAML = "version: 1\nagents:\n  - id: a\n  - id: b\n    skills:\n      - id: s\n"
JSON = '{"version": 1,\n\t"agents": [\n{"id": "{\\ud83d\\ude00"},\n{"id": "b",\n"skills":\n[{"id": "s"}]}]}'
PLACES = [
    (["version"], 1, 1),
    (["agents"], 2, 2),
    (["agents", 0], 3, 3),
    (["agents", 1], 4, 4),
    (["agents", 1, "skills"], 5, 5),
    (["agents", 1, "skills", 0, "id"], 6, 6),
    (["agents", 1, "absent"], 4, 4),
    (["absent", 1], 1, 1),
    ([], 1, 1),
]


@pytest.mark.parametrize(("at", "yaml_line", "json_line"), PLACES)
def test_a_fault_names_the_line_of_its_key_or_of_what_should_hold_it(
    at: list[str | int], yaml_line: int, json_line: int
) -> None:
    for path, text, line in (("c.yaml", YAML, yaml_line), ("c.json", JSON, json_line)):
        error = Source.from_text(text, path=path).fault(at, "wrong")
        assert str(error) == f"{path}:{line}: {dotted(at)}: wrong"


def test_key_paths_are_written_as_people_write_them() -> None:
    assert dotted(["agents", 2, "skills", 0]) == "agents[2].skills[0]"
    assert dotted([]) == "the file"
    assert dotted(["a\nb\x1b"]) == r"'a\nb\x1b'"
    assert len(dotted(["x" * 1000])) < 70


def test_values_are_shown_on_one_short_line() -> None:
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("x" * 1000)) == 60


def test_an_unknown_key_is_answered_with_the_nearest_or_all() -> None:
    assert unknown_key("agent", ["agents", "models"]) == "unknown key; did you mean 'agents'?"
    assert unknown_key("x", ["agents", "models"]) == "unknown key; known keys: agents, models"


# Types


@dataclass
class Inner:
    """Tested type."""

    count: int
    text: str = ""


@dataclass
class Outer:
    """Tested type."""

    inner: Inner | None = None
    many: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inner: {count: x}", "c.yaml:1: inner.count: given 'x', expected a valid integer"),
        ("inner: 5", "c.yaml:1: inner: given 5, expected keys and values"),
        ("many:\n- count: 1\n-\n  text: a", "c.yaml:4: many[1].count: missing; this key is req"),
        ("many: 5", "c.yaml:1: many: given 5, expected a list"),
        ("inner:\n  count: 1\n  text: 7", "c.yaml:3: inner.text: given 7, expected a valid str"),
    ],
)
def test_a_value_of_another_type_is_named_with_what_was_expected(text: str, said: str) -> None:
    source = Source.from_text(text, path="c.yaml")
    with pytest.raises(CatalogError) as caught:
        source.check(source.value, Outer)
    assert str(caught.value).startswith(said)
