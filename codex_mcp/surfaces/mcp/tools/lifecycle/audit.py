"""`audit`: weaknesses of code, from a severity on, and how it stands with standards that are named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta

from codex_mcp.errors import CallerError
from codex_mcp.surfaces.mcp.context import CallContext
from codex_mcp.surfaces.mcp.structured import InvalidAnswer
from codex_mcp.surfaces.mcp.tools.declare import Tool
from codex_mcp.surfaces.mcp.tools.lifecycle.briefs import listed
from codex_mcp.surfaces.mcp.tools.lifecycle.files import read_files
from codex_mcp.surfaces.mcp.tools.lifecycle.forms import Answer, Part, Paths, Score100, WorkArguments
from codex_mcp.surfaces.mcp.tools.lifecycle.work import fail, handler, prompt, work, workspace

_SEVERITIES = ("low", "medium", "high", "critical")


class AuditArguments(WorkArguments, kw_only=True):
    """Arguments of `audit`."""

    code: Annotated[str, Meta(description="The code to audit; may be empty if files are named.")]
    file_paths: Annotated[Paths | None, Meta(description="Files to audit, in the workspace.")] = None
    focus_areas: Annotated[list[str] | None, Meta(description="What to look at most.")] = None
    severity_threshold: Annotated[
        Literal["low", "medium", "high", "critical"], Meta(description="Leave out vulnerabilities below it.")
    ] = "medium"
    compliance_standards: Annotated[list[str] | None, Meta(description="Standards to judge the code by.")] = None


class SecurityIssue(Part):
    """A way in, what it gives, and how it is closed."""

    severity: Literal["critical", "high", "medium", "low"]
    category: str
    file: str
    line_range: str
    description: str
    impact: str
    recommendation: str
    cwe_id: str | None


class QualityIssue(Part):
    """What will cause a failure, or hide one."""

    severity: Literal["major", "minor", "suggestion"]
    category: str
    file: str
    line_range: str
    description: str
    impact: str
    suggestion: str


class ComplianceResult(Part):
    """How the code stands with one rule of a standard."""

    framework: str
    rule_id: str
    status: Literal["pass", "fail", "warning"]
    description: str
    evidence: str | None


class Audit(Part):
    """What the model answers."""

    overall_security_score: Score100
    overall_quality_score: Score100
    vulnerabilities: list[SecurityIssue]
    quality_issues: list[QualityIssue]
    compliance_results: list[ComplianceResult]
    recommendations: list[str]
    risk_assessment: str
    audit_summary: str


class AuditResponse(Answer):
    """An audit. `files_analyzed` are those that were read for it, `analysis_timestamp` is ISO 8601 UTC."""

    overall_security_score: Score100
    overall_quality_score: Score100
    vulnerabilities: list[SecurityIssue]
    quality_issues: list[QualityIssue]
    compliance_results: list[ComplianceResult]
    recommendations: list[str]
    risk_assessment: str
    audit_summary: str
    files_analyzed: list[str]
    analysis_timestamp: str


async def audit(call: CallContext, arguments: AuditArguments) -> AuditResponse:
    files = read_files(arguments.file_paths, workspace(call, arguments))
    if not arguments.code.strip() and not files:
        raise CallerError("give `code`, or name files in `file_paths`", code="invalid_arguments")
    standards = arguments.compliance_standards or []
    message = prompt(
        call,
        "audit",
        ("the code", arguments.code),
        *((f"file {file.path}", file.text) for file in files),
        *listed("what to look at most", arguments.focus_areas),
        *listed("standards to judge by", standards),
    )
    answer, _ = await work(call, arguments, message, Audit)
    judged = {result.framework for result in answer.compliance_results}
    if missing := [standard for standard in standards if standard not in judged]:
        raise InvalidAnswer(f"the audit says nothing of {', '.join(missing)}")
    least = _SEVERITIES.index(arguments.severity_threshold)
    return AuditResponse(
        overall_security_score=answer.overall_security_score,
        overall_quality_score=answer.overall_quality_score,
        vulnerabilities=[issue for issue in answer.vulnerabilities if _SEVERITIES.index(issue.severity) >= least],
        quality_issues=answer.quality_issues,
        compliance_results=[result for result in answer.compliance_results if result.framework in standards],
        recommendations=answer.recommendations,
        risk_assessment=answer.risk_assessment,
        audit_summary=answer.audit_summary,
        files_analyzed=[file.path for file in files],
        analysis_timestamp=datetime.now(UTC).isoformat(timespec="seconds"),
    )


TOOL = Tool(
    "audit",
    "Audit code",
    "Have Codex look for vulnerabilities and quality issues, and judge code by standards that are named. "
    "Changes nothing.",
    AuditArguments,
    AuditResponse,
    handler(audit),
    fail=fail,
    read_only=True,
    open_world=True,
)
