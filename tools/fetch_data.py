"""Fetch the data that tests train on and that do not come with the package, into a cache outside the tree::

    python tools/fetch_data.py

The cache is ~/.cache/fastprop, or the directory that FASTPROP_DATA names. Files that are there already are checked.

Fashion-MNIST: H. Xiao, K. Rasul & R. Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", arXiv:1708.07747; MIT licence. 60,000 + 10,000 pictures of 28 x 28 pixels in 10 classes, from
Debian's package dataset-fashion-mnist. Where there is no apt-get, put the four files of the authors' repository,
zalandoresearch/fashion-mnist, data/fashion, into the cache's directory fashion-mnist; this script then checks them.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

CACHE = Path(os.environ.get("FASTPROP_DATA") or Path.home() / ".cache" / "fastprop")
FASHION_MNIST = {  # each file's SHA-256 when uncompressed
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def load_fashion_mnist() -> list[np.ndarray]:
    """X (60000, 784) and y (60000,) to train on, X (10000, 784) and y (10000,) to test on; bytes, pixels 0 to 255."""
    images, labels, test_images, test_labels = map(fashion_mnist_file, FASHION_MNIST)
    return [images.reshape(-1, 784), labels, test_images.reshape(-1, 784), test_labels]


def fashion_mnist_file(name: str) -> np.ndarray:
    path = CACHE / "fashion-mnist" / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; python tools/fetch_data.py fetches it")
    content = gzip.decompress(path.read_bytes())
    if hashlib.sha256(content).hexdigest() != FASHION_MNIST[name]:
        raise ValueError(f"{path} does not hold what it should; remove it and run python tools/fetch_data.py")
    return idx_array(content)


def idx_array(content: bytes) -> np.ndarray:
    """The idx format: two zeros, 8 for unsigned bytes, the number of dimensions; each dimension in four bytes; data."""
    shape = np.frombuffer(content, ">u4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + shape.nbytes).reshape(shape)


def fetch_fashion_mnist() -> None:
    target = CACHE / "fashion-mnist"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as here:
        subprocess.run(["apt-get", "download", "-q", "dataset-fashion-mnist"], cwd=here, check=True)
        (package,) = Path(here).glob("*.deb")
        subprocess.run(["dpkg", "-x", package, here], check=True)
        for name in FASHION_MNIST:
            shutil.copy(Path(here, "usr/share/datasets/fashion-mnist", name), target)


def main() -> None:
    try:
        load_fashion_mnist()
    except FileNotFoundError:
        try:
            fetch_fashion_mnist()
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"Fashion-MNIST cannot be fetched: {error}\n\n{__doc__}")
        load_fashion_mnist()
    print(f"Fashion-MNIST is in {CACHE / 'fashion-mnist'}")


if __name__ == "__main__":
    main()
