"""Pure ASGI layers that every request passes before its handler, in the order of ``layers``."""
