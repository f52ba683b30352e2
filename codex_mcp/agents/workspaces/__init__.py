"""Workspaces: what an agent works in, and how its work comes back.

Git runs on the host in the user's repository only. In the agent's own tree it runs in the box: the tree's
configuration, hooks and filters are the agent's.
"""
