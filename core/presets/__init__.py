"""presets of reglab."""
