"""The plain install is light: nothing numeric is needed until arrays are asked for."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

HEAVY = (
    "numpy", "scipy", "numba", "matplotlib", "pandas", "polars", "fastapi", "sqlalchemy", "celery",
    "structlog", "jinja2", "sklearn", "pyarrow", "uvicorn", "platformdirs", "IPython",
)  # fmt: skip


def run_blocked(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process in which heavy packages cannot be imported."""
    blocker = f"""
    import sys
    class Blocked:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {HEAVY!r}:
                raise ImportError(f"{{name}} is blocked")
    sys.meta_path.insert(0, Blocked())
    """
    program = textwrap.dedent(blocker) + textwrap.dedent(code)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_client_imports_nothing_heavy():
    found = run_blocked("import reglab.client, reglab.core.spec; print(sorted(sys.modules))")
    assert found.returncode == 0, found.stderr
    assert not set(HEAVY) & set(eval(found.stdout))


def test_the_package_itself_imports_the_client_only_when_asked():
    found = run_blocked("""
    import sys, reglab
    assert "httpx" not in sys.modules and "pydantic" not in sys.modules
    from reglab import AsyncClient, Client, ClientError, ExperimentSpec
    assert "httpx" in sys.modules
    from reglab import *
    import reglab.client
    assert Client is reglab.client.Client
    try:
        reglab.Cleint
    except AttributeError as error:
        print(error)
    """)
    assert found.returncode == 0, found.stderr
    assert "Cleint" in found.stdout


@pytest.mark.parametrize(
    ("call", "package"),
    [("arrays", "numpy"), ("to_pandas", "pandas"), ("to_polars", "polars")],
)
def test_missing_package_is_named(call, package):
    found = run_blocked(f"""
    from reglab.client import MissingPackageError, Table
    table = Table({{"a": [1, 2]}})
    assert table.to_dict() == {{"a": [1, 2]}}
    assert table.rows() == [{{"a": 1}}, {{"a": 2}}]
    try:
        table.{call}()
    except MissingPackageError as error:
        print(error)
    """)
    assert found.returncode == 0, found.stderr
    assert f"pip install {package}" in found.stdout
