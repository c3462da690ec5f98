"""Benchmarks. See README.md here."""
