"""Boxes: where the commands of an agent run. The engine and the credentials stay outside.

`model` has the types and the protocol of a provisioner, `found` finds them by entry point, and there is one module for
each that comes along. `environment` tells an engine to run its commands in a box.
"""
