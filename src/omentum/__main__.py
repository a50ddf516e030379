"""Run the command line as `python -m omentum`."""

from omentum.app.cli import main

if __name__ == "__main__":
    main()
