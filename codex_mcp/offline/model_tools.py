"""Scripted intents as calls of the tools that a request advertises.

Engines and models differ in the tools that they offer: a shell tool of one of three names, a patch tool or none, MCP
tools flat or in namespaces, or one tool that runs JavaScript ("code mode"). A script should not have to care.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from codex_mcp.offline import script
from codex_mcp.wire.messages import JsonObject

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")  # of servers: the engine puts a `_` in their place

_SHELL_TOOLS = ("exec_command", "shell_command", "shell")


class AdvertisedTools:
    """The tools of one request of the engine."""

    def __init__(self, body: JsonObject) -> None:
        tools = list(body.get("tools") or [])
        for item in body.get("input") or []:
            if isinstance(item, dict) and item.get("type") == "additional_tools":
                tools += item.get("tools") or []
        self._tools: dict[str, JsonObject] = {}
        self._namespace_of: dict[str, str] = {}
        for tool in tools:
            name = tool.get("name") or tool.get("type", "")
            if tool.get("type") == "namespace":
                for inner in tool.get("tools") or []:
                    self._tools.setdefault(inner.get("name", ""), inner)
                    self._namespace_of[f"{name} {inner.get('name')}"] = name
                    self._namespace_of.setdefault(inner.get("name", ""), name)
            else:
                self._tools[name] = tool
        shell = any(name in self._tools for name in _SHELL_TOOLS)
        self._code_mode = not shell and "exec" in self._tools

    def call(self, step: script.Step, item_id: str) -> JsonObject:
        """The output item that makes the engine do what `step` says."""
        call_id = getattr(step, "id", None) or f"call_{item_id}"
        base: JsonObject = {"id": item_id, "call_id": call_id, "status": "completed"}
        match step:
            case script.Run():
                return base | self._run(step)
            case script.Patch():
                return base | self._patch(step)
            case script.Plan():
                plan = {"explanation": step.explanation, "plan": step.plan}
                return base | self._function("update_plan", {k: v for k, v in plan.items() if v is not None})
            case script.ViewImage():
                return base | self._function("view_image", {"path": step.view_image})
            case script.CallTool():
                return base | self._mcp(step.call_tool)
            case script.Function():
                arguments = step.arguments if isinstance(step.arguments, str) else json.dumps(step.arguments)
                call = base | {"type": "function_call", "name": step.function, "arguments": arguments}
                return call if step.namespace is None else call | {"namespace": step.namespace}
            case script.SearchTools():
                wanted = {"query": step.search_tools, "limit": step.limit}
                search = {key: value for key, value in wanted.items() if value is not None}
                return base | {"type": "tool_search_call", "execution": "client", "arguments": search}
            case script.Search():
                action = {"type": "search", "query": step.search}
                return {"type": "web_search_call", "id": item_id, "status": "completed", "action": action}
        raise AssertionError(step)

    def _function(self, name: str, arguments: JsonObject) -> JsonObject:
        if self._code_mode:
            return self._javascript(name, arguments)
        return {"type": "function_call", "name": name, "arguments": json.dumps(arguments)}

    def _javascript(self, name: str, argument: Any) -> JsonObject:
        code = f"const r = await tools[{json.dumps(name)}]({json.dumps(argument)});\n"
        code += "text(typeof r === 'string' ? r : JSON.stringify(r));"
        call: JsonObject = {"type": "custom_tool_call", "name": "exec", "input": code}
        if "exec" in self._namespace_of:
            call["namespace"] = self._namespace_of["exec"]
        return call

    def _run(self, step: script.Run) -> JsonObject:
        line = step.run if isinstance(step.run, str) else shlex.join(step.run)
        argv = ["bash", "-lc", step.run] if isinstance(step.run, str) else step.run
        tool = next((name for name in _SHELL_TOOLS if name in self._tools), "exec_command")
        arguments: JsonObject = {"command": argv} if tool == "shell" else {"command": line}
        if tool == "exec_command":
            arguments = {"cmd": line}
        if step.cwd is not None:
            arguments["workdir"] = step.cwd
        if step.yield_ms is not None:
            arguments["yield_time_ms" if tool == "exec_command" else "timeout_ms"] = step.yield_ms
        if step.ask is not None:
            properties = (self._tools.get(tool, {}).get("parameters") or {}).get("properties") or {}
            old = "with_escalated_permissions" in properties
            arguments |= {"with_escalated_permissions": True} if old else {"sandbox_permissions": "require_escalated"}
            arguments["justification"] = step.ask
        return self._function(tool, arguments)

    def _patch(self, step: script.Patch) -> JsonObject:
        tool = self._tools.get("apply_patch")
        if self._code_mode:
            return self._javascript("apply_patch", step.patch)
        if tool is None:  # models without the tool apply patches through the shell
            return self._run(script.Run(run=f"apply_patch <<'EOF'\n{step.patch.rstrip()}\nEOF\n"))
        if tool.get("type") == "custom":
            return {"type": "custom_tool_call", "name": "apply_patch", "input": step.patch}
        return self._function("apply_patch", {"input": step.patch})

    def _mcp(self, call: script.ToolCall) -> JsonObject:
        server = _NOT_IN_NAMES.sub("_", call.server)
        flat = f"mcp__{server}__{call.tool}"
        if self._code_mode or flat in self._tools:
            return self._function(flat, call.arguments)
        namespace = self._namespace_of.get(f"mcp__{server} {call.tool}", f"mcp__{server}")
        return self._function(call.tool, call.arguments) | {"namespace": namespace}
