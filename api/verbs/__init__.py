"""The verbs of the command line, one file per room. api/cli.py puts them together and gives every error its
exit code."""
