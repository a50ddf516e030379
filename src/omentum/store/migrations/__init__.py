"""How the tables came to be, step by step; alembic runs these files when a store is opened."""
