"""Bodies of requests and answers, in the file named as their router; all are in the reference."""
