"""Keras reading a folder of photos: what the trainer's reading is measured against.

Decodes, crops the centre to a square, resizes bicubically with antialiasing, shuffles and
prefetches, as `keras.utils.image_dataset_from_directory` does it. Prints one line of JSON.
"""

import argparse
import json
import os
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--folder")
parser.add_argument("--size", type=int, default=128)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--epochs", type=int, default=2)
args = parser.parse_args()

begin = time.perf_counter()
dataset = keras.utils.image_dataset_from_directory(
    args.folder,
    image_size=(args.size, args.size),
    batch_size=args.batch,
    interpolation="bicubic",
    crop_to_aspect_ratio=True,
    verbose=False,
).prefetch(tf.data.AUTOTUNE)
open_seconds = time.perf_counter() - begin

rates, rss = [], []
for _ in range(args.epochs):
    begin = time.perf_counter()
    count = sum(len(labels) for _, labels in dataset)
    rates.append(count / (time.perf_counter() - begin))
    with open("/proc/self/statm") as statm:
        rss.append(int(statm.read().split()[1]) * resource.getpagesize() / 1e6)
print(
    json.dumps(
        {
            "images_per_second": rates[-1],
            "open_seconds": open_seconds,
            "rss_mb_by_epoch": rss,
            # Linux gives it in KiB.
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        }
    )
)
