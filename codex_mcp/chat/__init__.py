"""A chat in the terminal, on the typed client and nothing else.

`app` reads what is typed; `session` keeps the conversation and its settings, and runs turns; `commands` are those
with a slash; `transcript` decides what of a turn's events is shown; `screen` shows it, in colours or plainly;
`keyboard` hears keys while a turn runs; `approval` has a person decide.
"""
