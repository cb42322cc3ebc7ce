"""`python -m fastprop` is the command `fastprop`."""

from fastprop.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
