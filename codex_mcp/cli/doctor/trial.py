"""A conversation as a client would have it: with these options and this configuration, on the offline model."""

from __future__ import annotations

import pathlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence

from codex_mcp.cli.doctor.report import Report
from codex_mcp.cli.install.documents import TomlDocument
from codex_mcp.client import CodexClient, start_client
from codex_mcp.engine.home import CodexHome
from codex_mcp.offline import OfflineModel
from codex_mcp.protocol import events as ev
from codex_mcp.protocol import registry, utilities
from codex_mcp.protocol.sandbox import ReadOnlyPolicy
from codex_mcp.wire.errors import RpcError

_ADVICE = [
    (
        r"wire_api",
        'Set `wire_api = "responses"` for that provider: engines speak no other any more. For a server that only has '
        "chat completions put a translating proxy in front of it.",
    ),
    (r"profile", "Correct the name of the profile, or make the table [profiles.NAME] or the file NAME.config.toml."),
    (r"unknown variant|unknown configuration field|invalid type|failed to load", "Correct the setting that is named."),
    (r"not inside a trusted directory|trust", "Give -C a directory that you trust."),
]

_NAMESPACES = (
    "The sandbox needs user namespaces. On Ubuntu: `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`; "
    "elsewhere: `sudo sysctl -w user.max_user_namespaces=28633 kernel.unprivileged_userns_clone=1`. In a container: "
    "run it with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`, or, if the container is "
    "sandbox enough, give the server `-s danger-full-access`."
)


def make_home(root: pathlib.Path, home: CodexHome, readable: bool) -> CodexHome:
    """A home with a copy of the configuration, without sign-in and without what it would start besides the engine."""
    path = root / "codex-home"
    path.mkdir()
    for file in home.path.glob("*config.toml") if home.path.is_dir() else ():
        shutil.copy(file, path / file.name)
    if readable and (path / "config.toml").exists():
        document = TomlDocument((path / "config.toml").read_text(encoding="utf-8"))
        for key in ("mcp_servers", "notify", "hooks"):
            if key in document.data():
                document.remove((key,))
        (path / "config.toml").write_text(document.text, encoding="utf-8")
    return CodexHome({**home.environment, "CODEX_HOME": str(path)}, home.cwd)


async def converse(report: Report, arguments: Sequence[str], home: CodexHome, root: pathlib.Path) -> None:
    """Begin a conversation, have the model say something and run a command; then try the sandbox."""
    with OfflineModel([[{"run": "echo ran"}], [{"say": "done"}]]) as model:
        overrides = [word for override in model.engine_overrides()[1:] for word in ("-c", override)]
        async with start_client(
            [*arguments, *overrides],
            env=dict(home.environment),
            stderr=subprocess.DEVNULL,
            approve=lambda _: "approved",
        ) as client:
            if await _turn(report, client):
                await _sandbox(report, client, root)


async def _turn(report: Report, client: CodexClient) -> bool:
    """Whether a conversation could be begun."""
    try:
        conversation = await client.new_conversation()
    except RpcError as error:
        report.fail("conversation", f"it cannot be begun: {error.message}", advice(error.message))
        return False
    said: list[str] = []
    problems: list[str] = []
    status: int | None = None
    output = ""
    async for event in conversation.turn("Say done."):
        match event.msg:
            case ev.AgentMessage():
                said.append(event.msg.message)
            case ev.ErrorEvent():
                problems.append(event.msg.message)
            case ev.ExecCommandEnd():
                status, output = event.msg.exit_code, event.msg.aggregated_output
            case _:
                pass
    if said[-1:] != ["done"] or problems:
        text = "; ".join(problems) or "the model's answer did not arrive"
        report.fail("conversation", text, advice(text))
        return True
    if status == 0:
        report.ok("conversation", "begun with these options, a command ran, the answer arrived (offline model)")
    else:
        text = f"it works (offline model), but a command in it cannot run: {output.strip()[:300] or status}"
        report.fail("conversation", text, advice(output))
    return True


async def _sandbox(report: Report, client: CodexClient, root: pathlib.Path) -> None:
    """A command runs in the read-only sandbox, and cannot write there."""
    mark = root / "mark"
    script = f"touch {shlex.quote(str(mark))}; echo ran"
    result = await client.call(
        registry.EXEC_ONE_OFF_COMMAND,
        utilities.ExecOneOffCommandParams(
            command=["/bin/sh", "-c", script], cwd=str(root), sandbox_policy=ReadOnlyPolicy()
        ),
    )
    said = (result.stderr or result.stdout).strip()[:300]
    if mark.exists():
        report.fail("sandbox", "a command wrote although it was told read-only: there is no sandbox here")
    elif "ran" not in result.stdout:
        report.fail("sandbox", f"a command cannot run in it: {said}", advice(said))
    else:
        report.ok("sandbox", "commands run in it, and cannot write when they may not")


def advice(text: str) -> str | None:
    """What to do about what an engine says, if that is known."""
    if re.search(r"namespace|bwrap|Operation not permitted|ENOSPC", text):
        return _NAMESPACES
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, text)), None)
