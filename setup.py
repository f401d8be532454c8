"""The folders of this tree as one import package; everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

PARTS = ("core", "worker", "api", "client", "migrations")
# The folder of each package; a folder within a part follows from its name, and a build without one
# of these fails.
FOLDERS = {"reglab": "client/_root", **{f"reglab.{part}": part for part in PARTS}}

setup(
    packages=[
        *FOLDERS,
        *(
            f"reglab.{part}.{found}"
            for part in PARTS
            for found in find_packages(part, exclude=["_root"])
        ),
    ],
    package_dir=FOLDERS,
)
