"""One component a capability; every resource of the stack belongs to one of them."""
