"""Times the training step that `clr` runs, in PyTorch: a CIFAR ResNet (He et al., arXiv:1512.03385) with zero-padded shortcuts,
forward, backward and SGD on one fixed batch. Prints JSON: median_ms of a step, peak_memory_mb, version."""

import argparse
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


def norm_conv(channels_in, channels_out, stride=1):
    conv = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels_out))


class Block(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.halves = channels_in != channels_out
        self.first = norm_conv(channels_in, channels_out, 2 if self.halves else 1)
        self.second = norm_conv(channels_out, channels_out)
        self.extra = (channels_out - channels_in) // 2

    def forward(self, x):
        y = self.second(F.relu(self.first(x)))
        if self.halves:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra, self.extra))
        return F.relu(y + x)


def resnet(depth, classes=10):
    per_stage = (depth - 2) // 6
    widths = [16] * (per_stage + 1) + [32] * per_stage + [64] * per_stage
    blocks = [Block(before, after) for before, after in zip(widths, widths[1:])]
    stem = [norm_conv(3, 16), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--depth", type=int, default=56)
    options.add_argument("--batch-size", type=int, default=128)
    options.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    options.add_argument("--threads", type=int, required=True)
    options.add_argument("--steps", type=int, default=10)
    options = options.parse_args()

    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    model = resnet(options.depth).to(memory_format=torch.channels_last)
    images = torch.randn(options.batch_size, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(10, (options.batch_size,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16"):
            loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def milliseconds():
        start = time.perf_counter()
        step()
        return 1000 * (time.perf_counter() - start)

    for _ in range(3):
        step()
    median = statistics.median(milliseconds() for _ in range(options.steps))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"median_ms": median, "peak_memory_mb": peak, "version": torch.__version__}))


main()
