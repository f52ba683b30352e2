"""Agents: a name, a home, a workspace, a box and limits each, kept on disk. Loaded only where one is asked for."""
