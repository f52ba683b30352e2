"""Hostile input, made by hypothesis: a short run is part of the tests, `python -m tests.fuzz` runs as long as wanted."""
