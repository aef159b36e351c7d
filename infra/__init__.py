"""The Pulumi program: settings and one component a capability."""
