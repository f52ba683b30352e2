"""Serving many clients over HTTP: the transports of the official SDK, joined to the same dispatcher as stdio.

Loaded by its own command only; needs the extra `http`.
"""
