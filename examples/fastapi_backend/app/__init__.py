"""A backend of somebody else, which has an `app` package as MoMA has one."""
