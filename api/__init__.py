"""api of reglab."""
