"""engine of reglab."""
