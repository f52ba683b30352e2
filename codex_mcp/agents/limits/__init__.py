"""Limits on what an agent uses: the first means that works on this machine, read back from the kernel."""
