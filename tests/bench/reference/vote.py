"""A streamed soft vote with numpy, h5py and scipy in float32: vote.py OUTPUT MEMBER... (compare_vote.py)

Blocks are the files' chunks. scipy.special.softmax is the plain way; with --numpy the same by hand and in place, which
is faster.
"""
import json
import sys

import h5py
import numpy as np
import scipy.special


def softmax_in_place(block):
    block -= block.max(axis=1, keepdims=True)
    np.exp(block, out=block)
    block /= block.sum(axis=1, keepdims=True)
    return block


def main():
    by_hand = "--numpy" in sys.argv
    output, *paths = [a for a in sys.argv[1:] if a != "--numpy"]
    softmax = softmax_in_place if by_hand else lambda block: scipy.special.softmax(block, axis=1)
    files = [h5py.File(path) for path in paths]
    shape, chunk = files[0]["logits"].shape, files[0]["logits"].chunks
    rows = chunk[0]
    targets = files[0]["targets"][:]
    for file in files[1:]:
        assert np.array_equal(file["ids"][:], files[0]["ids"][:]) and np.array_equal(file["targets"][:], targets)
        assert np.array_equal(file["class_names"][:], files[0]["class_names"][:])
    predicted = np.empty(shape[0], np.int64)
    with h5py.File(output, "w") as out:
        logits = out.create_dataset("logits", shape, np.float32, chunks=chunk, fletcher32=True)
        for first in range(0, shape[0], rows):
            part = slice(first, min(first + rows, shape[0]))
            mean = np.float32(0)
            for file in files:
                block = file["logits"][part]
                block /= np.float32(file.attrs["temperature"])
                mean = mean + softmax(block)
            mean /= np.float32(len(files))
            predicted[part] = mean.argmax(1)
            with np.errstate(divide="ignore"):
                np.log(mean, out=mean)
            logits[part] = mean
        for name in ("ids", "targets", "paths", "class_names"):
            out.create_dataset(name, data=files[0][name][:])
        out.create_dataset("predicted", data=predicted)
    print(json.dumps({"ensemble_right": int((predicted == targets).sum()), "samples": shape[0]}))


main()
