"""The page at `/`: for the person who answers. What agents ask, what they do now, and what they have done.

Rendered here, usable without script; a script of ours replaces the parts that change.
"""
