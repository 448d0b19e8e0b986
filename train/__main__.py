"""Command line: ``python -m train COMMAND``."""

from train.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
