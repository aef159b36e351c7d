"""Registers what a training job made, and lets the gate judge it."""
