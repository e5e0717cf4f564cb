#!/usr/bin/env python3
"""Writes tests/golden/tensorboard/records.bin: the same events by TensorBoard's own classes.

Run with the reference Python (.deps/venv/bin/python3). tests/render/event_file_test.cpp compares the
bytes.
"""

import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

folder = pathlib.Path(__file__).resolve().parent / "tensorboard"
folder.mkdir(exist_ok=True)
value = summary_pb2.Summary.Value
events = [
    event_pb2.Event(wall_time=1700000000.5, file_version="brain.Event:2"),
    event_pb2.Event(
        wall_time=1700000001.25,
        step=300,
        summary=summary_pb2.Summary(
            value=[value(tag="train/loss", simple_value=0.1), value(tag="eval/top1", simple_value=91)]
        ),
    ),
    event_pb2.Event(
        wall_time=1700000002.0,
        step=301,
        session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START),
    ),
]
with open(folder / "records.bin", "wb") as file:
    writer = RecordWriter(file)
    for event in events:
        writer.write(event.SerializeToString(deterministic=True))
    writer.flush()
