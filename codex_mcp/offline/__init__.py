"""The offline model: a provider on loopback that plays a script instead of asking a model.

With it the real engine runs whole conversations without an account or a network: for the demo, for the tests, and
for people who test their client against this server (`codex-mcp-server --offline SCRIPT`). It is a stand-in for the
model only, and says so wherever it shows. `docs/offline.md` describes the script format.
"""

from codex_mcp.offline.provider import OfflineModel
from codex_mcp.offline.script import Reply, load_script, parse_script

__all__ = ["OfflineModel", "Reply", "load_script", "parse_script"]
