"""EfficientNet-Lite0 in PyTorch: a speed that the trainer is measured against.

The network is that of keras_peer.py: BatchNorm in inference mode and everything else trainable, a dropout
and a dense layer on top, random weights. Tensors are channels last, and Adam is the fused one. Prints one
line of JSON.
"""

import json
import os
import sys

import torch
from peer_timing import images_per_second, options, peak_rss_mb
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../parity"))
from lite_stages import LITE_STAGES  # noqa: E402


def convolution(inputs, outputs, kernel_size, stride=1, groups=1, activation=True):
    parts = [
        nn.Conv2d(
            inputs, outputs, kernel_size, stride, kernel_size // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(outputs, eps=1e-3),
    ]
    return nn.Sequential(*parts, *([nn.ReLU6()] if activation else []))


class Block(nn.Module):
    def __init__(self, inputs, outputs, kernel_size, stride, expansion):
        super().__init__()
        expanded = inputs * expansion
        self.is_residual = stride == 1 and inputs == outputs
        self.layers = nn.Sequential(
            *([convolution(inputs, expanded, 1)] if expansion != 1 else []),
            convolution(expanded, expanded, kernel_size, stride, expanded),
            convolution(expanded, outputs, 1, activation=False),
        )

    def forward(self, x):
        y = self.layers(x)
        return x + y if self.is_residual else y


class EfficientNetLite0(nn.Module):
    def __init__(self, classes):
        super().__init__()
        blocks, filters = [], 32
        for repeats, kernel_size, stride, expansion, outputs in LITE_STAGES:
            for repeat in range(repeats):
                blocks.append(
                    Block(filters, outputs, kernel_size, stride if repeat == 0 else 1, expansion)
                )
                filters = outputs
        self.trunk = nn.Sequential(convolution(3, 32, 3, 2), *blocks, convolution(320, 1280, 1))
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x):
        return self.head(self.trunk(x).mean((2, 3)))

    def freeze_batch_norm(self):
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()
                layer.requires_grad_(False)


def main():
    parser = options(__doc__)
    parser.add_argument("--compile", action="store_true", help="by torch.compile")
    args = parser.parse_args()

    torch.manual_seed(1)
    model = EfficientNetLite0(10).to(memory_format=torch.channels_last).train()
    model.freeze_batch_norm()
    optimizer = torch.optim.Adam(
        [value for value in model.parameters() if value.requires_grad], 2e-4, fused=True
    )
    loss_of = nn.CrossEntropyLoss()
    images = torch.rand(args.batch, 3, args.size, args.size) * 2 - 1
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(args.batch) % 10
    run = torch.compile(model) if args.compile else model

    def train():
        optimizer.zero_grad()
        loss = loss_of(run(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def predict():
        with torch.inference_mode():
            return run(images)

    rate = (args.batch, args.warmup, args.steps)
    trained = images_per_second(train, *rate)
    model.eval()
    result = {
        "train_images_per_second": trained,
        "forward_images_per_second": images_per_second(predict, *rate),
        "peak_rss_mb": peak_rss_mb(),
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
