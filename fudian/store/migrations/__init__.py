"""How the tables of the store came to their present form, step by step."""
