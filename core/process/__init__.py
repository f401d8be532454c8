"""What every process of the service sets up: logs, traces, the broker, an end with its parent."""
