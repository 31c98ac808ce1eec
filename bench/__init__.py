"""Benchmarks of Rollcall: docs/benchmarks.md says what they measure and what came out."""
