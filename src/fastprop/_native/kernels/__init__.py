"""Floor 0: arithmetic only, one module per target and real type, all built from one text."""
