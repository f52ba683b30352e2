"""Attacks on a server under a policy: what holds, and what does not. `python -m tests.attacks` prints it."""
