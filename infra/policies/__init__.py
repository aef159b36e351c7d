"""Who may do what: least-privilege policies as plain data, by who holds them."""
