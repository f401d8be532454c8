"""Server-Sent Events of experiments: what they carry, their log, and the poll that feeds it."""
