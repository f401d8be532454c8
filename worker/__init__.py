"""worker of reglab."""
