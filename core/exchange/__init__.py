"""What goes out and comes in as documents: JSON of requests, experiments as archives."""
