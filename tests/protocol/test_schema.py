"""The schema export, and the committed copy that a change of shape has to go through."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import jsonschema
import pytest
from jsonschema.validators import Draft202012Validator

from codex_mcp.protocol import INTERFACE_VERSION, reference
from codex_mcp.protocol.schema import DRAFT, bundle, definitions, files, fingerprint

DOCS = pathlib.Path(__file__).parent.parent.parent / "docs"


@pytest.mark.requirement("schema:versioned")
def test_a_change_of_shape_needs_a_new_version_of_the_interface() -> None:
    versions = json.loads((DOCS / "schema" / "versions.json").read_text())
    assert versions.get(INTERFACE_VERSION) == fingerprint(), (
        f"the shapes are not those of interface {INTERFACE_VERSION}: raise INTERFACE_VERSION in "
        "codex_mcp/protocol/__init__.py, add its fingerprint to docs/schema/versions.json, and write the schema and "
        "the reference anew with `codex-mcp-server schema`"
    )


@pytest.mark.requirement("schema:versioned")
def test_the_committed_schema_and_reference_are_up_to_date() -> None:
    assert json.loads((DOCS / "schema" / "codex-interface.json").read_text()) == bundle()
    assert (DOCS / "interface-reference.md").read_text() == reference.render()


@pytest.mark.requirement("schema:export")
def test_every_file_of_the_export_is_a_valid_schema_that_needs_no_other() -> None:
    exported = files()
    assert set(exported) == {"codex-interface.json", *(f"{name}.json" for name in definitions())}
    for name, document in exported.items():
        assert document["$schema"] == DRAFT
        if name != "codex-interface.json":
            Draft202012Validator.check_schema(document)
            references = {word for word in json.dumps(document).split('"') if word.startswith("#/$defs/")}
            assert {ref.removeprefix("#/$defs/") for ref in references} <= set(document.get("$defs", {}))


@pytest.mark.requirement("schema:export")
def test_unions_are_one_of_and_their_tags_required() -> None:
    types = definitions()
    assert len(types["EventMsg"]["oneOf"]) > 30
    items = types["SendUserMessageParams"]["properties"]["items"]["items"]
    assert items == {"$ref": "#/$defs/InputItem"}
    members = [ref["$ref"].rpartition("/")[2] for ref in types["InputItem"]["oneOf"]]
    assert members == ["TextItem", "ImageItem", "LocalImageItem"]
    assert "type" in types["TextItem"]["required"]


@pytest.mark.requirement("schema:export")
def test_unions_have_names_of_their_own_wherever_they_are_used() -> None:
    types = definitions()
    fields = {
        ("EventNotification", "msg"): "EventMsg",
        ("SendUserTurnParams", "sandboxPolicy"): "SandboxPolicy",
        ("SendUserTurnParams", "approvalPolicy"): "ApprovalPolicy",
        ("ItemStarted", "item"): "TurnItem",
        ("ApprovalResult", "decision"): "Decision",
    }
    for (model, field), name in fields.items():
        assert types[model]["properties"][field]["$ref"] == f"#/$defs/{name}"
    changes = types["ApplyPatchApprovalParams"]["properties"]["fileChanges"]
    assert changes["additionalProperties"] == {"$ref": "#/$defs/FileChange"}


def test_a_message_of_the_wire_validates_and_a_wrong_one_does_not() -> None:
    validator = Draft202012Validator(files()["SendUserMessageParams.json"])
    good = {"conversationId": "x", "items": [{"type": "text", "data": {"text": "hi"}}]}
    validator.validate(good)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**good, "items": [{"type": "nope", "data": {}}]})


@pytest.mark.requirement("schema:export")
@pytest.mark.slow
def test_the_command_writes_the_files(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-m", "codex_mcp", "schema"]
    subprocess.run([*command, "--out", str(tmp_path / "new" / "dir")], check=True)
    assert {path.name for path in (tmp_path / "new" / "dir").iterdir()} == set(files())
    printed = subprocess.run(command, check=True, capture_output=True).stdout
    assert json.loads(printed) == bundle()
