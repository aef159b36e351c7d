"""Container images as local processes, each with a private /opt/ml and a supervisor that outlives the emulator."""
