"""storage of reglab."""
