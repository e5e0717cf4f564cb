"""Reads predictions with h5py, or writes them, by docs/predictions_format.md alone (predictions_python_test.cpp).

    check_predictions.py read FILE.h5 | write FILE.h5
"""
import sys

import h5py
import numpy as np

N, K = 5000, 11
samples, classes = np.arange(N), np.arange(K)
LOGITS = (np.sin((samples[:, None] * 131 + classes * 17) * 0.7) * 3).astype(np.float32)
TARGETS = np.where(samples % 7 == 6, -1, samples % K)
TEXTS = {"dataset": "pictures/test", "data_fingerprint": "data", "model": "resnet18", "model_fingerprint": "weights",
         "checkpoint": "run/checkpoints/best", "method": "logits"}
ARRAYS = {"ids": 2 * samples, "targets": TARGETS, "predicted": LOGITS.argmax(1)}
STRINGS = {"class_names": [f"class {k}" for k in classes], "views": ["identity"], "paths": [f"{i}.png" for i in samples]}


def read(path):
    with h5py.File(path) as file:
        assert file.attrs["format"] == b"dtrain-predictions"
        assert file.attrs["version"] == 1 and file.attrs["temperature"] == 1.0
        for name, text in TEXTS.items():
            assert file.attrs[name].decode() == text, name
        for name, values in ARRAYS.items():
            np.testing.assert_array_equal(file[name][:], values)
        for name, texts in STRINGS.items():
            assert list(file[name].asstr()) == texts, name
        assert file["logits"].dtype == np.float32 and file["logits"].fletcher32
        np.testing.assert_allclose(file["logits"][:], LOGITS, atol=1e-6)


def write(path):
    with h5py.File(path, "w") as file:
        file.attrs["version"] = np.int64(1)
        file.attrs["temperature"] = np.float64(1)
        for name, text in {"format": "dtrain-predictions", "dtrain_version": "h5py", **TEXTS}.items():
            file.attrs[name] = np.bytes_(text)
        for name, values in ARRAYS.items():
            file.create_dataset(name, data=values.astype(np.int64))
        for name, texts in STRINGS.items():
            file.create_dataset(name, data=np.array(texts, dtype=np.bytes_))
        file.create_dataset("logits", data=LOGITS, chunks=(700, K), fletcher32=True)


{"read": read, "write": write}[sys.argv[1]](sys.argv[2])
