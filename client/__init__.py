"""client of reglab."""
