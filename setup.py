"""The folders of this tree as one import package; everything else stands in pyproject.toml."""

from pathlib import Path

ROOT = Path(__file__).parent
# Packages of a checkout alone, imported by their own names.
APART = {"benchmarks", "tests"}
PARTS = sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - APART)
# A folder within a part follows from its name.
FOLDERS = {"reglab": "client/_root", **{f"reglab.{part}": part for part in PARTS}}


def link(folder: str | Path) -> None:
    """Lay links into a folder as an install lays the packages: type checkers follow no mapping."""
    package = Path(folder) / "reglab"
    package.mkdir(parents=True, exist_ok=True)
    for path in [*(ROOT / part for part in PARTS), *(ROOT / FOLDERS["reglab"]).glob("*.*")]:
        (package / path.name).unlink(missing_ok=True)
        (package / path.name).symlink_to(path)


if __name__ == "__main__":
    from setuptools import find_packages, setup

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
