"""The audit trail: what was decided before an act, what came of it, in files that show when somebody changed them."""
