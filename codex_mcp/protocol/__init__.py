"""The typed contract of the documented Codex interface (v1), as the 0.53 app-server served it.

One module per area, one model per params, result, notification, event and approval; `registry` gathers them.
The registry is what the dispatcher, the schema export, the generated reference and the typed client read.

Shapes follow what the released server sends: result fields without a value are null, event fields keep rules of
their own. Where the published document and the released server differ, params accept both forms and results have
the server's form.
"""

INTERFACE_VERSION = "1.2.0"
"""Version of the shapes. A change of any of them takes a new one: a test holds it against docs/schema/versions.json."""
