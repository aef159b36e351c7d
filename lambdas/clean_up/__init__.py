"""Deletes what a stack's functions and jobs have made, when the stack goes."""
