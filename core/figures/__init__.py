"""figures of reglab."""
