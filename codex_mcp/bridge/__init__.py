"""Between the v1 contract and the engine's v2 protocol: conversations, turns, events, approvals.

`shapes` holds the translations of single values, `events` turns the engine's notifications into v1 events,
`options` merges settings, `approvals` asks and answers, `conversation` is the state of one conversation,
`conversations` holds them all and drives the engine.
"""
