"""What tests stand on: databases, a served Patchbay, a browser."""
