"""Which isolation is used, and what is said when none works."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pytest

from codex_mcp.agents.boxes import found
from codex_mcp.agents.boxes.bwrap import Bwrap
from codex_mcp.agents.boxes.model import Probe
from codex_mcp.agents.errors import NoIsolation
from codex_mcp.agents.probes import choose
from tests.agents.conftest import new_spec


@pytest.mark.requirement("agents:isolation:entry-point")
def test_isolation_is_found_by_entry_point_also_that_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {entry.name for entry in entry_points(group=found.GROUP)} >= {
        "none",
        "bwrap",
        "container",
        "command",
        "remote",
    }
    other = EntryPoint("firejail", "codex_mcp.agents.boxes.none:NoBox", found.GROUP)
    monkeypatch.setattr(found, "entry_points", lambda **_: [other])
    assert found.provisioner("firejail").name == "none"
    with pytest.raises(NoIsolation, match="there are auto, firejail"):
        found.provisioner("bwrap")


@pytest.mark.requirement("agents:isolation:auto")
async def test_auto_never_goes_without_a_wall(playground: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(self: Any, spec: Any) -> Probe:
        return Probe(False, "no user namespaces here")

    monkeypatch.setattr(Bwrap, "probe", fails)
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    spec = new_spec(playground)
    with pytest.raises(NoIsolation) as refused:
        await choose("auto", spec, playground / "data")
    assert "no user namespaces here" in refused.value.message
    assert "no container runtime" in refused.value.message
    assert refused.value.code == "no_isolation"


@pytest.mark.requirement("agents:isolation:auto")
async def test_auto_is_bwrap_and_is_probed_once_for_each_boot(
    playground: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, data = new_spec(playground), playground / "probed"
    chosen, probe = await choose("auto", spec, data)
    assert (chosen.name, probe.usable, probe.nested_sandbox) == ("bwrap", True, True)

    async def unexpected(self: Any, spec: Any) -> Probe:
        raise AssertionError("probed again")

    monkeypatch.setattr(Bwrap, "probe", unexpected)
    assert await choose("auto", spec, data) == (chosen, probe) or (await choose("auto", spec, data))[1] == probe
    with pytest.raises(AssertionError, match="probed again"):  # other facts, another probe
        await choose("auto", dataclasses.replace(spec, network="host"), data)


@pytest.mark.requirement("agents:isolation:none")
async def test_none_says_that_it_is_no_wall(playground: pathlib.Path) -> None:
    chosen, probe = await choose("none", new_spec(playground, network="host"), playground / "data")
    assert (chosen.name, probe.isolates) == ("none", frozenset())


@pytest.mark.requirement("agents:isolation:network")
async def test_a_network_that_the_backend_does_not_have_is_refused(playground: pathlib.Path) -> None:
    with pytest.raises(NoIsolation, match="has no network 'outbound'"):
        await choose("bwrap", new_spec(playground, network="outbound"), playground / "data")
