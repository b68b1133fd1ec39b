"""Fine-tuning in PyTorch, and a linear probe in scikit-learn: what training on a folder is measured against.

Both start from the trainer's own ImageNet weights. The recipe fine-tunes everything from the start: AdamW at
5e-4 along one cycle, weight decay 0.05, label smoothing 0.1, random resized crops of at least 0.35 of the area,
flips, colour jitter 0.2, EMA; BatchNorm's statistics are frozen, gamma and beta are trained. The probe is
logistic regression on standardized features, whose regularization cross-validation chooses. Prints one line
of JSON.
"""

import argparse
import json
import math
import os
import random
import resource
import sys

import numpy
import torch
from PIL import Image, ImageEnhance
from torch import nn
from torch_peer import EfficientNetLite0

PARITY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../parity")
sys.path.insert(0, PARITY)

BATCH = 32
DTYPES = {"F16": numpy.float16, "F32": numpy.float32}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def load_weights(model, path):
    """Assigns Keras' kernels, which are in the order of the layers."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    tensors = []
    for name, entry in header.items():
        if name == "__metadata__" or name.startswith("predictions/"):
            continue
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors.append((name, torch.tensor(values.astype(numpy.float32))))
    tensors.reverse()
    with torch.no_grad():
        for layer in model.trunk.modules():
            if isinstance(layer, nn.Conv2d):
                name, kernel = tensors.pop()
                # Depthwise: [height, width, channels, 1]; else [height, width, in, out].
                order = (2, 3, 0, 1) if "depthwise" in name else (3, 2, 0, 1)
                layer.weight.copy_(kernel.permute(order))
            elif isinstance(layer, nn.BatchNorm2d):
                for part in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                    part.copy_(tensors.pop()[1])
    assert not tensors


def pad_as_keras(model):
    """Strided convolutions pad one pixel more after than before, for even sides."""
    for block in list(model.trunk.modules()):
        for name, layer in list(block.named_children()):
            if isinstance(layer, nn.Conv2d) and layer.stride[0] == 2:
                size = layer.kernel_size[0]
                before, after = (size - 2) // 2, (size - 1) // 2
                layer.padding = (0, 0)
                pad = nn.ZeroPad2d((before, after, before, after))
                setattr(block, name, nn.Sequential(pad, layer))


def list_images(folder, labels):
    return [
        (os.path.join(folder, label, name), index)
        for index, label in enumerate(labels)
        for name in sorted(os.listdir(os.path.join(folder, label)))
    ]


def read(path, size):
    """The central square, at most twice as large as the network's input."""
    image = Image.open(path).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return square if side <= 2 * size else square.resize((2 * size, 2 * size), Image.BICUBIC)


def to_input(image, size):
    resized = image.resize((size, size), Image.BICUBIC)
    return (numpy.asarray(resized, numpy.float32) - 127) / 128


def augment(image, size, rng, crop):
    side = max(1, round(math.sqrt(rng.uniform(crop, 1)) * image.width))
    left, top = rng.randint(0, image.width - side), rng.randint(0, image.width - side)
    image = image.resize((size, size), Image.BICUBIC, (left, top, left + side, top + side))
    if rng.random() < 0.5:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = kind(image).enhance(rng.uniform(0.8, 1.2))
    return to_input(image, size)


def to_batch(rows):
    batch = torch.from_numpy(numpy.stack(rows)).permute(0, 3, 1, 2)
    return batch.contiguous(memory_format=torch.channels_last)


def run(network, images, size):
    with torch.inference_mode():
        parts = [
            network(to_batch([to_input(image, size) for image in images[at : at + 64]]))
            for at in range(0, len(images), 64)
        ]
    return torch.cat(parts)


def fine_tune(model, images, labels, args):
    rng = random.Random(args.seed)
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)
    )
    kernels = [value for value in model.parameters() if value.ndim > 1]
    others = [value for value in model.parameters() if value.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": kernels, "weight_decay": 0.05}, {"params": others, "weight_decay": 0}],
        args.rate,
        fused=True,
    )
    steps = math.ceil(len(images) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.rate, total_steps=args.epochs * steps
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in range(args.epochs):
        order = list(range(len(images)))
        rng.shuffle(order)
        for at in range(0, len(order), BATCH):
            chosen = order[at : at + BATCH]
            batch = to_batch([augment(images[index], args.size, rng, args.crop) for index in chosen])
            optimizer.zero_grad()
            loss_of(model(batch), torch.tensor([labels[index] for index in chosen])).backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
    return average.module.eval()


def probe(train, labels, test):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = StratifiedKFold(5, shuffle=True, random_state=1)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    grid = {"logisticregression__C": [1e-4, 1e-3, 1e-2, 1e-1]}
    return GridSearchCV(pipeline, grid, cv=folds).fit(train, labels).predict(test)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="with folders train and test of class folders")
    parser.add_argument("--weights", required=True, help="the trainer's safetensors file")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--crop", type=float, default=0.35)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    labels = sorted(os.listdir(os.path.join(args.folder, "train")))
    read_all = lambda split: list_images(os.path.join(args.folder, split), labels)  # noqa: E731
    train, test = read_all("train"), read_all("test")
    images = [read(path, args.size) for path, _ in train]
    tests = [read(path, args.size) for path, _ in test]
    targets = [label for _, label in train]
    model = EfficientNetLite0(len(labels)).to(memory_format=torch.channels_last)
    load_weights(model, args.weights)
    pad_as_keras(model)
    model.eval()
    begin = cpu_seconds()
    features = lambda some: run(lambda x: model.trunk(x).mean((2, 3)), some, args.size).numpy()  # noqa: E731
    probed = probe(features(images), targets, features(tests))
    between = cpu_seconds()
    tuned = fine_tune(model, images, targets, args)
    predicted = run(tuned, tests, args.size).argmax(1).tolist()
    result = {
        "images": [os.path.relpath(path, args.folder) for path, _ in test],
        "labels": [labels[label] for _, label in test],
        "probe": {
            "predictions": [labels[label] for label in probed],
            "cpu_seconds": between - begin,
        },
        "pytorch": {
            "predictions": [labels[label] for label in predicted],
            "cpu_seconds": cpu_seconds() - between,
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
