"""The documented interface: `methods` lists its requests, one module per area serves them, `listeners` are those of a
conversation, `questions` puts approvals to the client."""
