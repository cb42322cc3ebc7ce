"""The native core: `kernels` (floor 0), `engine` (floor 1) and what they need; see docs/architecture.md."""
