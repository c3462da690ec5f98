"""What the rest is built from. Knows neither Flask nor SQLAlchemy."""
