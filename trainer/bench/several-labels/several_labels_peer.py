"""A linear probe and full fine-tuning for several labels an image: what the recipe `photos` is measured against.

Reads a task as own_photos_peer.py does, with `[path, [label, …]]` for each image, and prints a line of JSON a
method with the probability of each label of the test images.

- probe: that of own_photos_peer.py, one logistic regression a label.
- pytorch: that of own_photos_peer.py with BCEWithLogitsLoss.
"""

import json
import os
import sys

import torch
from sklearn.multiclass import OneVsRestClassifier
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../own-photos"))
from own_photos_peer import (  # noqa: E402
    begin_task,
    cpu_seconds,
    fine_tune,
    linear_probe,
    pooled,
    report,
)


def main():
    task = json.load(sys.stdin)
    train, test, model = begin_task(task)
    targets = torch.zeros(len(train), task["classes"])
    for row, (_, labels) in zip(targets, task["train"], strict=True):
        row[labels] = 1
    begin = cpu_seconds()
    features = [pooled(part, task["size"], model) for part in (train, test)]
    probe = OneVsRestClassifier(linear_probe()).fit(features[0], targets.numpy())
    report("probe", probe.predict_proba(features[1]).tolist(), cpu_seconds() - begin)
    begin = cpu_seconds()
    logits = fine_tune(task, train, targets, test, model, nn.BCEWithLogitsLoss())
    report("pytorch", logits.sigmoid().tolist(), cpu_seconds() - begin)


if __name__ == "__main__":
    main()
