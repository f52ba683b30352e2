"""Looks at a box from the inside: what is shown in status is what was seen, not what was meant.

The box is made with the argv that an engine would be given, and the engine's own sandbox is nested in it.
"""

from __future__ import annotations

import secrets
import shlex
import socket
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import anyio

from codex_mcp.agents.boxes.model import BoxSpec, Probe
from codex_mcp.redaction import redact

if TYPE_CHECKING:
    from codex_mcp.agents.boxes.model import Provisioner

_LIMIT = 60.0  # seconds; the first start of a container pulls its image apart


async def probe_box(
    provisioner: Provisioner,
    spec: BoxSpec,
    *,
    networks: frozenset[str],
    limits: frozenset[str] = frozenset(),
    wall: bool = True,
    local: bool = True,
) -> Probe:
    """Make the box of `spec` and try to get at a file, a process and a port of this machine from it.

    `wall`: a box from which the file can be read cannot be used. `local`: see `Probe`.
    """
    await provisioner.prepare(spec)
    word = f"3{secrets.randbelow(10**8):08d}"
    bait = spec.root / "probe"
    bait.write_text("")
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryFile() as said:
        decoy = await anyio.open_process([sys.executable, "-c", "input()", word], stdout=subprocess.DEVNULL)
        script = _script(str(bait), word, listener.getsockname()[1], shlex.quote(str(spec.codex)))
        try:
            with anyio.fail_after(_LIMIT):
                box = await anyio.run_process(
                    provisioner.inside(spec, ["bash", "-c", script]), check=False, stderr=said, input=b""
                )
        except (OSError, TimeoutError) as error:
            return Probe(False, f"{provisioner.name}: {error or f'no answer within {_LIMIT:.0f} s'}")
        finally:
            decoy.kill()
            await decoy.aclose()
            bait.unlink(missing_ok=True)
        said.seek(0)
        complaint = redact(said.read().decode(errors="replace").strip().replace("\n", " | ")[-400:])
    seen = set(box.stdout.decode(errors="replace").split())
    if "ran" not in seen:
        return Probe(False, f"{provisioner.name}: {complaint or f'exit status {box.returncode}'}")
    if "engine" not in seen:
        return Probe(False, f"{provisioner.name}: the engine does not run in the box: {complaint}")
    isolates = frozenset({"files", "processes", "network"} - seen)
    if wall and "files" not in isolates:
        return Probe(False, f"{provisioner.name}: files outside of the box can be read in it")
    nested = "nested" in seen
    reason = provisioner.name if nested else f"{provisioner.name}, without the engine's own sandbox: {complaint}"
    return Probe(True, reason, nested, isolates, limits, networks, local)


def _script(bait: str, word: str, port: int, codex: str) -> str:
    """Says `ran`, `engine`, `nested`, and what it reaches of `files`, `processes`, `network`."""
    return "\n".join(
        [
            "echo ran",
            f"[ -e {shlex.quote(bait)} ] && echo files",
            "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' |"
            f" grep -q '^[{word[0]}]{word[1:]}$' && echo processes",
            f"(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo network",
            f"{codex} --version >/dev/null && echo engine",
            f"{codex} sandbox -- sh -c '! touch ./.codex-mcp-probe 2>/dev/null' && echo nested",
            "rm -f ./.codex-mcp-probe",
            "exit 0",
        ]
    )
