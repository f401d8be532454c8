"""``python -m reglab.client.cli``: the command line, where the script is not on the path."""

from reglab.client.cli import main

if __name__ == "__main__":
    main()
