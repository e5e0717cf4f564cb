"""Reads packs with h5py, or writes one, by docs/pack_format.md alone (pack_python_test.cpp).

    check_pack.py read FOLDER FILES.h5 PIXELS.h5     both packed from FOLDER, the second with --size 24
    check_pack.py write FOLDER FILES.h5              a pack of the pictures below FOLDER/train
"""
import pathlib
import sys
import zlib

import h5py
import numpy as np
from PIL import Image, ImageOps


def check_common(file, folder, split):
    assert file.attrs["format"] == b"dtrain-pack", file.attrs["format"]
    assert file.attrs["version"] == 1
    classes = list(file["class_names"].asstr())
    assert classes == sorted(path.name for path in (folder / "train").iterdir()), classes
    group = file[split]
    assert isinstance(group.attrs["source_fingerprint"], bytes)
    paths = list(group["paths"].asstr())
    expected = sorted(str(path.relative_to(folder)) for path in (folder / split).glob("*/*"))
    assert paths == expected, paths
    assert [classes[target] for target in group["targets"]] == [path.split("/")[1] for path in paths]
    for name, data in group.items():
        assert data.fletcher32, name
    return group, paths


def check_files(file, folder):
    for split in ("train", "test"):
        group, paths = check_common(file, folder, split)
        offsets = group["offsets"][:]
        for i, path in enumerate(paths):
            content = bytes(group["bytes"][offsets[i]:offsets[i + 1]])
            assert content == (folder / path).read_bytes(), path
            assert zlib.crc32(content) == group["crc32"][i], path
        assert len(group["bytes"]) == offsets[-1]


def check_pixels(file, folder):
    for split in ("train", "test"):
        group, paths = check_common(file, folder, split)
        pixels = group["pixels"]
        assert pixels.shape == (len(paths), 24, 24, 3) and pixels.dtype == np.uint8
        for i, path in enumerate(paths):
            assert zlib.crc32(pixels[i]) == group["crc32"][i], path
            with Image.open(folder / path) as picture:
                shown = ImageOps.exif_transpose(picture).convert("RGB")
            expected = ImageOps.fit(shown, (24, 24), Image.Resampling.BILINEAR)
            difference = np.abs(np.asarray(expected, int) - pixels[i]).mean()
            assert difference < 3, (path, difference)


def write(folder, target):
    paths = sorted((folder / "train").glob("*/*"))
    classes = sorted({path.parent.name for path in paths})
    contents = [path.read_bytes() for path in paths]
    with h5py.File(target, "w", libver=("v110", "v110")) as file:
        file.attrs["format"] = np.bytes_("dtrain-pack")
        file.attrs["version"] = np.int64(1)
        file["class_names"] = np.array([name.encode() for name in classes])
        group = file.create_group("train")
        group["paths"] = np.array([str(path.relative_to(folder)).encode() for path in paths])
        group["targets"] = np.array([classes.index(path.parent.name) for path in paths], "<i8")
        group["crc32"] = np.array([zlib.crc32(content) for content in contents], "<u4")
        group["offsets"] = np.cumsum([0] + [len(content) for content in contents], dtype="<i8")
        data = np.frombuffer(b"".join(contents), "u1")
        group.create_dataset("bytes", data=data, chunks=(4000,), fletcher32=True)


def main():
    what, folder, *files = sys.argv[1:]
    if what == "write":
        write(pathlib.Path(folder), files[0])
        return
    for check, name in zip((check_files, check_pixels), files, strict=True):
        with h5py.File(name) as file:
            check(file, pathlib.Path(folder))


main()
