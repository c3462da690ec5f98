"""What can be done, one module for each noun. Every function starts from a Scope."""
