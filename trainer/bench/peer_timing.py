"""What the peers in Python share: their options, and how their speed and memory are measured."""

import argparse
import resource
import statistics
import sys
import time


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--size", type=int, default=128, help="side of the input in pixels")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20, help="measured steps")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them")
    return parser


def images_per_second(step, batch, warmup, steps):
    """Runs `step` and gives the median over `steps` of the images a second."""
    rates = []
    for number in range(warmup + steps):
        start = time.perf_counter()
        step()
        if number >= warmup:
            rates.append(batch / (time.perf_counter() - start))
    return statistics.median(rates)


def peak_rss_mb():
    # Linux counts in KiB, macOS in bytes.
    scale = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
