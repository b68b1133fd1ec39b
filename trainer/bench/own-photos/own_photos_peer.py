"""A linear probe and full fine-tuning on photos of one's own: what the recipe `photos` is measured against.

Reads `{"train": [[path, label], …], "test": […], "weights", "size", "classes", "epochs", "minSteps", "seed"}`
from standard input, and prints one line of JSON a method, with its predictions for the test images. Both
start from the weights that the trainer has: EfficientNet-Lite0 of ImageNet.

- probe: scikit-learn's StandardScaler and LogisticRegression, as they are, on the pooled features.
- pytorch: everything is trained from the start, BatchNorm's γ and β too, its statistics frozen; AdamW, peak
  5e-4, one cycle, weight decay .05, label smoothing .1, random resized crops of .35 to 1, flips, colour .2,
  EMA. As many epochs as the recipe `photos` has.
"""

import json
import math
import os
import random
import resource
import sys

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from torch_peer import LITE_STAGES, EfficientNetLite0  # noqa: E402

BATCH, RATE, DECAY, EMA = 32, 5e-4, 0.05, 0.99
CROP, COLOUR, SMOOTHING = 0.35, 0.2, 0.1


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def read(path, size):
    """The image with its shorter side at twice the network's, which no crop needs to enlarge by much."""
    with Image.open(path) as file:
        file.draft("RGB", (2 * size, 2 * size))
        image = ImageOps.exif_transpose(file)
        if image.mode in ("RGBA", "LA", "P", "PA"):
            image = image.convert("RGBA")
            paper = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(paper, image)
        image = image.convert("RGB")
    scale = 2 * size / min(image.size)
    if scale < 1:
        image = image.resize([round(side * scale) for side in image.size], Image.BILINEAR)
    return image


def to_input(image, size, box):
    pixels = np.asarray(image.resize((size, size), Image.BILINEAR, box=box), dtype=np.float32)
    return torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1)


def plain(image, size):
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return to_input(image, size, (left, top, left + side, top + side))


def augmented(image, size):
    """torchvision's RandomResizedCrop, RandomHorizontalFlip and ColorJitter without hue."""
    width, height = image.size
    box = None
    for _ in range(10):
        area = width * height * random.uniform(CROP, 1)
        aspect = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = math.sqrt(area * aspect), math.sqrt(area / aspect)
        if w <= width and h <= height:
            left, top = random.uniform(0, width - w), random.uniform(0, height - h)
            box = (left, top, left + w, top + h)
            break
    if box is None:
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    image = image.resize((size, size), Image.BILINEAR, box=box)
    if random.random() < 0.5:
        image = ImageOps.mirror(image)
    for enhance in random.sample(
        [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color], 3
    ):
        image = enhance(image).enhance(random.uniform(1 - COLOUR, 1 + COLOUR))
    return to_input(image, size, (0, 0, size, size))


def layers():
    """Keras' names of the convolutions and BatchNorms, in the order of the peer's modules."""
    yield "stem_conv", "stem_bn"
    for stage, (repeats, _, _, expansion, _) in enumerate(LITE_STAGES, 1):
        for repeat in range(repeats):
            block = f"block{stage}{chr(ord('a') + repeat)}_"
            if expansion != 1:
                yield block + "expand_conv", block + "expand_bn"
            yield block + "dwconv", block + "bn"
            yield block + "project_conv", block + "project_bn"
    yield "top_conv", "top_bn"


def pad_as_keras(convolution, inputs):
    """What TensorFlow's `same` pads before a stride of 2: at the bottom and the right."""
    (x,) = inputs
    pads = []
    for side, kernel, stride in zip(x.shape[:1:-1], convolution.kernel_size, convolution.stride):
        total = max(0, (math.ceil(side / stride) - 1) * stride + kernel - side)
        pads += [total // 2, total - total // 2]
    return (nn.functional.pad(x, pads),)


def load(model, path):
    """Loads the trainer's tensors, which have Keras' names, layouts and padding."""
    weights = {
        name: torch.from_numpy(value.astype(np.float32)) for name, value in load_file(path).items()
    }
    modules = list(model.trunk.modules())
    convolutions = [module for module in modules if isinstance(module, nn.Conv2d)]
    norms = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
    for convolution, norm, (kernel, bn) in zip(convolutions, norms, layers(), strict=True):
        if convolution.stride[0] > 1:
            convolution.padding = (0, 0)
            convolution.register_forward_pre_hook(pad_as_keras)
        if convolution.groups > 1:
            convolution.weight.data.copy_(
                weights[f"{kernel}/depthwise_kernel"].permute(2, 3, 0, 1)
            )
        else:
            convolution.weight.data.copy_(weights[f"{kernel}/kernel"].permute(3, 2, 0, 1))
        norm.weight.data.copy_(weights[f"{bn}/gamma"])
        norm.bias.data.copy_(weights[f"{bn}/beta"])
        norm.running_mean.copy_(weights[f"{bn}/moving_mean"])
        norm.running_var.copy_(weights[f"{bn}/moving_variance"])


def batches(images, size):
    for begin in range(0, len(images), 64):
        yield torch.stack([plain(image, size) for image in images[begin : begin + 64]]).to(
            memory_format=torch.channels_last
        )


def report(method, predictions, seconds):
    row = {"method": method, "predictions": predictions, "cpuSeconds": seconds}
    print(json.dumps(row), flush=True)


def pooled(images, size, model):
    """The trunk's features, one row an image."""
    with torch.inference_mode():
        return np.concatenate([model.trunk(x).mean((2, 3)).numpy() for x in batches(images, size)])


def linear_probe():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def fine_tune(task, train, targets, test, model, loss_of):
    """Logits for the test images after training on targets, one row or number an image."""
    size = task["size"]
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    decayed = [value for value in model.parameters() if value.ndim > 1]
    others = [value for value in model.parameters() if value.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": DECAY}, {"params": others, "weight_decay": 0}],
        RATE,
        fused=True,
    )
    steps_per_epoch = math.ceil(len(train) / BATCH)
    epochs = max(task["epochs"], math.ceil(task["minSteps"] / steps_per_epoch))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=epochs * steps_per_epoch, cycle_momentum=False
    )
    average = torch.optim.swa_utils.AveragedModel(
        model, avg_fn=lambda old, new, n: torch.lerp(new, old, min(EMA, (1 + n) / (10 + n)))
    )
    for _ in range(epochs):
        order = random.sample(range(len(train)), len(train))
        for begin_of_batch in range(0, len(order), BATCH):
            batch = order[begin_of_batch : begin_of_batch + BATCH]
            inputs = torch.stack([augmented(train[index], size) for index in batch])
            optimizer.zero_grad()
            logits = model(inputs.to(memory_format=torch.channels_last))
            loss_of(logits, targets[batch]).backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
    average.eval()
    with torch.inference_mode():
        return torch.cat([average(x) for x in batches(test, size)])


def begin_task(task):
    """The images to train and to test, and the pretrained network with a head of the task's classes."""
    random.seed(task["seed"])
    torch.manual_seed(task["seed"])
    begin = cpu_seconds()
    train, test = [[read(path, task["size"]) for path, _ in task[part]] for part in ("train", "test")]
    report("reading", [], cpu_seconds() - begin)
    model = EfficientNetLite0(task["classes"]).to(memory_format=torch.channels_last).eval()
    load(model, task["weights"])
    return train, test, model


def main():
    task = json.load(sys.stdin)
    train, test, model = begin_task(task)
    labels = [label for _, label in task["train"]]
    begin = cpu_seconds()
    features = [pooled(part, task["size"], model) for part in (train, test)]
    probe = linear_probe().fit(features[0], labels)
    report("probe", probe.predict(features[1]).tolist(), cpu_seconds() - begin)
    begin = cpu_seconds()
    loss_of = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    logits = fine_tune(task, train, torch.tensor(labels), test, model, loss_of)
    report("pytorch", logits.argmax(1).tolist(), cpu_seconds() - begin)


if __name__ == "__main__":
    main()
