"""The policy in front of every client: the document, decisions, masking, audit, and what the engine is given of it.

Pure where it decides. Nothing of it is imported unless there is a policy file.
"""

GUARD = "codex_mcp_server"
"""The permission profile that conversations are begun with where there is no policy, if they are to have one."""
