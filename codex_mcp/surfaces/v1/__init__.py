"""The documented interface: `methods` lists its requests, one module per area serves them, `listeners` delivers
events and questions."""
