#!/usr/bin/env python3
"""Writes tests/golden/pack_v1_{files,pixels}.h5: packs of format version 1, by the program of that time.

Every later dtrain must read them (tests/data/pack/golden_pack_test.cpp), so they are made once and
committed: tests/golden/make_pack_v1.py build/release/dtrain
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

golden = pathlib.Path(__file__).resolve().parent
pictures = ["train/jpeg/jpeg_420.jpg", "train/jpeg/jpeg_progressive.jpg", "train/png/photo.png",
            "test/jpeg/jpeg_444.jpg"]

with tempfile.TemporaryDirectory() as folder:
    for picture in map(pathlib.Path, pictures):
        (folder / picture).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(golden / "images" / picture.name, folder / picture)
    for name, flags in {"files": [], "pixels": ["--size", "16", "--transforms.exact-decoding"]}.items():
        subprocess.run([sys.argv[1], "pack", "--data-dir", folder, "--output", golden / f"pack_v1_{name}.h5",
                        *flags], check=True)
