"""All targets under one hash, and what drifts from the policy."""

import json
from pathlib import Path

import pytest
import yaml

from agents.errors import PolicyError
from graphs.policy.policy import Candidate, Policy, Rule
from graphs.policy.read import read_policy
from graphs.policy.targets.manifest import MANIFEST, compile_policy, drift, write
from graphs.policy.targets.marks import hash_in
from tests.support.policies import DESK, desk_policy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "out", compile_policy(desk_policy(), DESK))
    return tmp_path / "out"


def codes(folder: Path, policy: Policy | None = None, source: str = DESK) -> list[tuple[str, str]]:
    return [(f.code, f.names[0]) for f in drift(folder, policy or desk_policy(), source)]


def test_each_file_bears_the_policys_hash(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "litellm.yaml", "network-policy.yaml", "config-map.yaml", "graph.json", "policy.json", "decision.mmd",
        "summary.md", MANIFEST,
    }  # fmt: skip
    for path in folder.iterdir():
        text = path.read_text()
        borne = json.loads(text)["hash"] if path.suffix == ".json" else hash_in(text)
        assert borne == desk_policy().hash, path.name


def test_what_was_just_written_has_not_drifted(folder: Path) -> None:
    assert codes(folder) == []


def test_the_same_policy_compiles_to_the_same_files() -> None:
    assert compile_policy(desk_policy(), DESK) == compile_policy(read_policy(DESK)[0], DESK)


def test_a_file_that_is_missing_or_edited_is_named(folder: Path) -> None:
    (folder / "litellm.yaml").unlink()
    with (folder / "network-policy.yaml").open("a") as file:
        file.write("# a hand\n")
    assert codes(folder) == [
        ("target_missing", "litellm.yaml"),
        ("target_changed", "network-policy.yaml"),
    ]


def test_a_file_of_another_policy_is_told_apart_from_an_edited_one(folder: Path) -> None:
    other = desk_policy(rules=(Rule(name="only"),))
    (folder / "decision.mmd").write_text(compile_policy(other, DESK)["decision.mmd"])
    (folder / "policy.json").write_text(compile_policy(other, DESK)["policy.json"])
    assert codes(folder) == [("target_stale", "policy.json"), ("target_stale", "decision.mmd")]


def test_a_changed_threshold_is_drift_of_the_whole(folder: Path) -> None:
    source = DESK.replace("threshold: 0.75", "threshold: 0.74")
    assert codes(folder, read_policy(source)[0], source) == [("target_stale", MANIFEST)]


def test_another_text_of_the_same_meaning_is_told(folder: Path) -> None:
    source = f"# a comment\n{DESK}"
    (finding,) = drift(folder, read_policy(source)[0], source)
    assert (finding.code, finding.names) == ("target_stale", (MANIFEST,))
    assert "means the same" in finding.message


@pytest.mark.parametrize("damage", ["", "{}", "[]", "\x00", "null"])
def test_a_manifest_that_is_no_manifest_is_told(folder: Path, damage: str) -> None:
    (folder / MANIFEST).write_text(damage)
    assert codes(folder) == [("target_changed", MANIFEST)]


def test_an_edited_manifest_is_told(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace('"moma": "', '"moma": "9'))
    assert codes(folder) == [("target_changed", MANIFEST)]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert codes(tmp_path / "none") == [("target_missing", MANIFEST)]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PolicyError, match="cannot be written"):
        write(tmp_path / "file", {"a": "b"})


def test_writing_anew_leaves_no_other_files(folder: Path) -> None:
    other = desk_policy(rules=(Rule(name="only"),))
    write(folder, compile_policy(other, "x"))
    assert codes(folder, other, "x") == []
    assert len(list(folder.iterdir())) == 8


@pytest.mark.parametrize(
    "source",
    [
        'BACKEND openai b { api_key: "sk-123" }',
        'MODEL m { extra_headers: { Authorization: "Basic x" } }',
        'ROUTE b { PLUGIN rag { config: [{ token: "t" }] } }',
        'PLUGIN t header_mutation { add: [{ name: "X-API-Key", value: "k" }] }',
        'GLOBAL { store: { password: "p" } }',
        'ROUTE b { MODEL "m" (api_key = "sk-123") }',
        'ROUTE b { MODEL "m" ALGORITHM static { token: "t" } }',
        'RECIPE a { ROUTE r { MODEL "m" } } RECIPE b { BACKEND openai x { api_key: "sk-123" } }',
        'ENTRYPOINT { api_key: "sk-123" }',
    ],
    ids="backend model plugin template global option algorithm recipe entrypoint".split(),
)
def test_a_key_in_the_source_is_not_compiled_into_what_others_read(source: str) -> None:
    policy, _ = read_policy(source)
    with pytest.raises(PolicyError, match="holds a key as a text"):
        compile_policy(policy, source)


def test_the_name_of_a_keys_variable_is_no_key() -> None:
    source = 'BACKEND openai b { api_key_env: "K" api_key: "os.environ/K" token: "$TOKEN" }'
    assert compile_policy(read_policy(source)[0], source)


def test_pods_roll_when_the_text_of_the_policy_changes() -> None:
    policy, _ = read_policy('ROUTE a { MODEL "m" }')
    names = {
        yaml.safe_load(compile_policy(policy, source)["config-map.yaml"])["metadata"]["name"]
        for source in ('ROUTE a { MODEL "m" }', '# why\nROUTE a { MODEL "m" }')
    }
    assert len(names) == 2, "what is immutable cannot be applied again with another text"


def test_the_manifest_says_what_is_for_whom() -> None:
    models = (Candidate(name="openai/m"),)
    about = json.loads(
        compile_policy(Policy(rules=(Rule(name="a", models=models),)), "x")[MANIFEST]
    )
    assert set(about["targets"]) == {"gateway", "infrastructure", "orchestration", "people"}
    assert len(about["source_sha256"]) == 64
    assert about["moma"]
