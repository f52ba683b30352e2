"""The MCP Inspector against this server: its command line, and with `--web` its page in a headless browser.

python -m tests.interop.inspector [--web [--screenshots FOLDER]]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
from typing import Any

from tests.interop.kit import node_environment, npm_packages
from tests.interop.stage import Report, Stage, stage

INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
BROWSER = ("playwright-core@1.65.1", "@sparticuz/chromium@153.0.0")
PAGE = pathlib.Path(__file__).with_name("inspector_page.mjs")
TOOLS = {"codex", "codex-reply"}
ALL_TOOLS = TOOLS | {
    f"codex-{verb}" for verb in ("threads", "read", "interrupt", "archive", "fork", "start", "wait", "answer")
}

# Exit status of the Inspector for a result with isError.
TOOL_ERROR = 5


class Inspector:
    """Runs the Inspector on a stage."""

    def __init__(self, on: Stage) -> None:
        folder = npm_packages("inspector", INSPECTOR) / "node_modules" / "@modelcontextprotocol" / "inspector"
        self._launch = ["node", str(folder / "clients" / "launcher" / "build" / "index.js")]
        # without the home of the user's own Inspector, and without their key ring
        private = {"HOME": str(on.root), "MCP_INSPECTOR_SECRET_STORE": "memory", "MCP_AUTO_OPEN_ENABLED": "false"}
        self._environment = {**node_environment(), **private}
        self._stage = on

    def run(self, method: str, *options: str, server: tuple[str, ...] = ()) -> tuple[int, Any, str]:
        """One run of its command line: exit status, what it printed as JSON, its stderr."""
        about = ["--cwd", str(self._stage.workspace), "-e", f"CODEX_HOME={self._stage.home}", "--format", "json"]
        command = [*self._launch, "--cli", *about, *self._stage.command, *server, "--method", method, *options]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120)
        printed = json.loads(done.stdout) if done.stdout.strip() else {}
        return done.returncode, printed.get("result", printed), done.stderr

    def serve(self, catalog: pathlib.Path) -> tuple[subprocess.Popen[str], str]:
        """Start its web page on a free port; the process and the page's address."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports = {"CLIENT_PORT": str(free.getsockname()[1])}
        process = subprocess.Popen(
            [*self._launch, "--web", "--config", str(catalog)],
            env={**self._environment, **ports},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://\S+MCP_INSPECTOR_API_TOKEN=\S+", line):
                return process, found[0]
        raise RuntimeError(f"the Inspector ended with status {process.wait()}")


def check_command_line(inspector: Inspector, on: Stage, report: Report) -> None:
    """Its methods one by one, each with a server of its own."""
    report.heading("Inspector, command line")
    _check_lists(inspector, report)
    _check_tools(inspector, report)
    left = on.leftovers()
    report.check("no process is left", not left, "; ".join(left))


def _check_lists(inspector: Inspector, report: Report) -> None:
    for era in ("legacy", "auto"):
        status, told, _ = inspector.run("initialize", "--protocol-era", era)
        detail = f"{told['serverInfo']['name']}, {told['protocolVersion']}"
        report.check(f"initialize, {era}", status == 0, detail)
    for wanted, options in ((TOOLS, ()), (ALL_TOOLS, ("--tools", "all"))):
        status, told, problems = inspector.run("tools/list", "--strict", server=options)
        same = {tool["name"] for tool in told["tools"]} == wanted
        findings = f"{problems.count('Error: tool')} errors, {problems.count('Warning: tool')} warnings"
        report.check(f"tools/list --strict, {len(wanted)} tools", status == 0 and same, findings)
    for method, key, count in (
        ("resources/list", "resources", 2),
        ("resources/templates/list", "resourceTemplates", 3),
        ("prompts/list", "prompts", 3),
    ):
        status, told, _ = inspector.run(method)
        report.check(method, status == 0 and len(told[key]) == count, f"{len(told[key])} entries")
    status, told, _ = inspector.run("resources/read", "--uri", "codex://models")
    report.check("resources/read codex://models", status == 0 and "gpt" in told["contents"][0]["text"])
    status, told, _ = inspector.run("prompts/get", "--prompt-name", "delegate", "--prompt-args", "task=tidy up")
    report.check("prompts/get delegate", status == 0 and "tidy up" in told["messages"][0]["content"]["text"])
    status, _, _ = inspector.run("logging/setLevel", "--log-level", "warning")
    report.check("logging/setLevel", status == 0)


def _check_tools(inspector: Inspector, report: Report) -> None:
    def call(tool: str, *arguments: str) -> tuple[int, Any]:
        pairs = [word for argument in arguments for word in ("--tool-arg", argument)]
        return inspector.run("tools/call", "--tool-name", tool, *pairs)[:2]

    status, told = call("codex", "prompt=interop greet", "sandbox=read-only", "approval-policy=never")
    said = told["structuredContent"]["content"]
    report.check("tools/call codex", status == 0 and told["content"][0]["text"] == said, said)
    thread = told["structuredContent"]["threadId"]
    status, told = call("codex-reply", f"threadId={thread}", "prompt=interop again")
    data = told["structuredContent"]
    same = data["threadId"] == thread
    report.check("tools/call codex-reply, to a server that was restarted", status == 0 and same, data["content"])
    status, told = call("codex", "prompt=interop approve", "sandbox=read-only", "approval-policy=on-request")
    because = told["structuredContent"]["deniedApprovals"][0]["because"]
    report.check("an approval, which its command line cannot ask for, is denied at once", status == 0, because)
    status, told = call("codex", "prompt=interop fail")
    code = told["structuredContent"]["error"]["code"]
    report.check("tools/call codex, the provider fails", status == TOOL_ERROR and told["isError"], code)
    status, told = call("codex-reply", "prompt=hello", "threadId=00000000-0000-7000-8000-000000000000")
    code = told["structuredContent"]["error"]["code"]
    report.check("tools/call codex-reply, unknown thread", status == TOOL_ERROR and told["isError"], code)
    load = ("--load", "--load-requests", "20", "--load-concurrency", "4")
    status, told, _ = inspector.run("tools/call", "--tool-name", "codex", "--tool-arg", "prompt=hello", *load)
    detail = f"{told['ok']} answered, median {told['latencyMs']['p50']:.0f} ms"
    report.check("20 calls, 4 at a time", status == 0 and told["ok"] == 20, detail)


def check_page(inspector: Inspector, on: Stage, report: Report, screenshots: pathlib.Path) -> None:
    """Its page, driven in a headless browser."""
    report.heading("Inspector, web page")
    browser = npm_packages("browser", *BROWSER) / "node_modules"
    catalog = on.root / "mcp.json"
    command, *arguments = on.command
    entry = {"type": "stdio", "command": command, "args": [*arguments, "--tools", "all"], "cwd": str(on.workspace)}
    catalog.write_text(json.dumps({"mcpServers": {"codex": {**entry, "env": {"CODEX_HOME": str(on.home)}}}}))
    screenshots.mkdir(parents=True, exist_ok=True)
    process, address = inspector.serve(catalog)
    try:
        drive = ["node", str(PAGE), str(browser), address, str(screenshots)]
        # stdin at its end: the browser is not to wait for anything
        done = subprocess.run(
            drive, env=node_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=180
        )
        report.read(done.stdout)
        report.check("the page was driven to the end", done.returncode == 0, f"screenshots in {screenshots}")
        report.check("the approved command ran", (on.workspace / "approved.txt").exists())
        report.check("the declined command did not", not (on.workspace / "declined.txt").exists())
        left = on.leftovers()
        report.check("no process is left after Disconnect", not left, "; ".join(left))
    finally:
        process.terminate()
        process.wait(timeout=20)
        if process.stdout is not None:
            process.stdout.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--web", action="store_true", help="drive the web page too")
    parser.add_argument("--screenshots", type=pathlib.Path, default=pathlib.Path("screenshots"), metavar="FOLDER")
    options = parser.parse_args()
    os.environ.pop("PYTHONPATH", None)
    report = Report()
    with stage() as on:
        check_command_line(Inspector(on), on, report)
    if options.web:
        with stage() as on:
            check_page(Inspector(on), on, report, options.screenshots)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
