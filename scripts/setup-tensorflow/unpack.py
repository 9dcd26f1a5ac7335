"""Unpacks of a wheel what the tensorflow backend needs: unpack.py WHEEL FOLDER. What the wheel holds appears there whole or not at
all; of NVIDIA's, which share the folder nvidia, each part."""
import os
import shutil
import sys
import tempfile
import zipfile

NEEDED = (
    "tensorflow/libtensorflow_",
    "tensorflow/include/tensorflow/c/",
    "tensorflow/include/tensorflow/core/platform/ctstring",
    "tensorflow/include/tsl/platform/ctstring",
    "tensorflow/include/xla/tsl/c/",
    "tensorflow/include/absl/",
)


def needed(name):
    if name.startswith("nvidia/"):
        return "/include/" not in name and not name.endswith(".a")
    return name.startswith(NEEDED)


def parts(folder):
    """tensorflow, or nvidia/cublas, nvidia/cudnn, ..."""
    for top in os.listdir(folder):
        inner = os.listdir(os.path.join(folder, top)) if top == "nvidia" else [""]
        yield from (os.path.join(top, name).rstrip("/") for name in inner if not name.endswith(".py"))


def unpack(wheel, folder):
    os.makedirs(folder, exist_ok=True)
    fresh = tempfile.mkdtemp(prefix="unpacking-", dir=folder)
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(fresh, [name for name in archive.namelist() if needed(name)])
        for part in parts(fresh):
            target = os.path.join(folder, part)
            shutil.rmtree(target, ignore_errors=True)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.rename(os.path.join(fresh, part), target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


try:
    unpack(*sys.argv[1:])
except OSError as error:
    sys.exit(str(error))
