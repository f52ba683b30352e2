"""Benchmarks: run by hand, never as tests. Each prints ratios of interleaved runs; see docs/benchmarks.md."""
