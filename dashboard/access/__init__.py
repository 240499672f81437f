"""Who may see what: accounts, sessions, tokens, the gate before every page and route, and what a request may weigh."""
