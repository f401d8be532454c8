"""HTTP routers, one file a resource."""
