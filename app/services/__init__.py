"""The use cases: one package for each noun. Every function starts from a Scope."""
