"""Client libraries against this server: each in an environment of its own, with `codex/event` and without.

python -m tests.interop.sdks [NAME …]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable

from codex_mcp.offline import OfflineModel
from tests.interop.kit import node_environment, npm_packages, python_packages
from tests.interop.stage import Report, Stage, stage
from tests.support.processes import processes_of

CLIENTS = pathlib.Path(__file__).with_name("clients")
EXAMPLE = pathlib.Path(__file__).parent.parent.parent / "examples" / "openai_agents.py"


def python(program: str, *specs: str) -> Callable[[], list[str]]:
    """A client in Python; gives its command line."""
    return lambda: [str(python_packages(f"python-{program}", *specs)), str(CLIENTS / f"{program}.py")]


def typescript(line: str, spec: str) -> Callable[[], list[str]]:
    """A client in JavaScript on that line of the TypeScript SDK; gives its command line."""
    script = str(CLIENTS / "typescript.mjs")
    return lambda: ["node", script, line, str(npm_packages(f"typescript-{line}", spec) / "node_modules")]


AGENTS = "openai-agents==0.24.0"
SDKS = {
    "mcp-1": ("mcp==1.30.0 (Python)", python("mcp_1", "mcp==1.30.0")),
    "fastmcp": ("fastmcp==4.1.2", python("fastmcp_4", "fastmcp==4.1.2")),
    "agents": (AGENTS, python("agents_sdk", AGENTS)),
    "typescript-1": ("@modelcontextprotocol/sdk@1.32.2", typescript("1", "@modelcontextprotocol/sdk@1.32.2")),
    "typescript-2": ("@modelcontextprotocol/client@2.4.0", typescript("2", "@modelcontextprotocol/client@2.4.0")),
}


def run_client(command: list[str], on: Stage, report: Report, *, events: str) -> None:
    """Run the client to its end; it tells its checks, and what the library said of our messages is counted."""
    server = [*on.command, "--tools", "all", "--events", events]
    plan = json.dumps({"command": server, "environment": on.environment, "workspace": str(on.workspace)})
    complaints = on.root / "stderr.txt"
    with complaints.open("w") as stderr:
        process = subprocess.Popen(
            [*command, plan], env=node_environment(), stdout=subprocess.PIPE, stderr=stderr, text=True
        )
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                told = json.loads(line)
                report.check(told["check"], told["passed"], told["detail"])
                if told["check"] == "cancel a call":
                    report.check("the command of the cancelled call is gone", _gone("sleep 300", on))
        status = process.wait(timeout=60)
    left = on.leftovers()
    report.check("close: no process is left", status == 0 and not left, "; ".join(left))
    said = complaints.read_text()
    if events == "off":
        report.check("the library complains of nothing", not said, said[:2000])
    else:
        # a library cannot know these; the 1.x line of the Python SDK has a page to say about each
        complained = re.findall(r"Message was: method='([^']+)'", said)
        passed = set(complained) <= {"codex/event"} and said.count("WARNING") == len(complained)
        detail = f"{len(complained)} complaints, {len(said.splitlines())} lines"
        report.check("the library complains of codex/event at most", passed and bool(said) == bool(complained), detail)
    if status:
        print(said, file=sys.stderr)


def _gone(command: str, on: Stage) -> bool:
    """Whether no process with that in its command line is left, a few seconds after it should have ended."""
    end = time.monotonic() + 5.0
    while any(command in " ".join(line) for line in processes_of(on.home).values()):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def run_example(on: Stage, report: Report) -> None:
    """`examples/openai_agents.py`: its agent asks a scripted model too, over the network as it asks a real one."""
    report.heading(f"examples/openai_agents.py, {AGENTS}")
    interpreter, _ = SDKS["agents"][1]()
    with OfflineModel(
        [[{"function": "codex", "arguments": {"prompt": "interop greet"}}], [{"say": "It greets."}]]
    ) as lead:
        providers = tomllib.loads("\n".join(lead.engine_overrides()))["model_providers"]
        account = {"OPENAI_BASE_URL": providers["offline"]["base_url"], "OPENAI_API_KEY": "none"}
        path = os.pathsep.join([str(pathlib.Path(on.command[0]).parent), on.environment["PATH"]])
        done = subprocess.run(
            [interpreter, str(EXAMPLE), "--offline", on.command[-1], "Have it greet"],
            env={**on.environment, **account, "PATH": path, "OPENAI_AGENTS_DISABLE_TRACING": "1"},
            cwd=on.workspace,
            capture_output=True,
            text=True,
            timeout=120,
        )
        lines = done.stdout.splitlines()
        report.check("its agent calls codex", lines[0].startswith("> codex "), lines[0])
        seen = str(lead.requests[1]["input"][-1]["output"])
        report.check("its model sees the answer and the thread", "Hello from" in seen and "threadId: " in seen, seen)
        report.check("it prints the agent's answer", lines[-1] == "It greets." and not done.stderr, lines[-1])
    report.check("no process is left", not on.leftovers())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SDKS)}; all if none is given")
    options = parser.parse_args()
    os.environ.pop("PYTHONPATH", None)
    report = Report()
    for name in options.names or SDKS:
        title, command = SDKS[name]
        for events in ("on", "off"):
            report.heading(f"{title}, --events {events}")
            with stage() as on:
                run_client(command(), on, report, events=events)
        if name == "agents":
            with stage() as on:
                run_example(on, report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
