"""probes of reglab."""
