"""The doors: HTTP, worker and command line. The only package in which the parts are wired together.

settings.py -> installation.py (opens store, writer, vault, desk) -> app.py (HTTP) | worker.py | cli.py
identity.py says who asks and for which organisation, permissions.py what a role may try; whether this person may
do it to this case is decided in casework. problems.py turns every refusal into one shape.
"""
