"""From a submitted document to stored runs: planned, estimated, kept within the limits."""
