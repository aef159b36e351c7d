"""Stands in for AWS and for the Pulumi CLI on one machine; knows nothing about ML recipes."""
