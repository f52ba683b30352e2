"""The documented interface: `methods` serves its requests, `listeners` delivers events and approvals."""
