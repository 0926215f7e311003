"""One customer, one timeline."""
