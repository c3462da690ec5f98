"""Foundations without Flask and SQLAlchemy: errors, sealing, phone numbers, outbound HTTP."""
