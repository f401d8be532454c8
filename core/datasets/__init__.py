"""datasets of reglab."""
