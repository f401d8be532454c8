"""regularizers of reglab."""
