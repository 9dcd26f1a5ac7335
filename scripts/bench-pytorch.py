"""Times the training step that `clr` runs, in PyTorch: a CIFAR ResNet (He et al., arXiv:1512.03385) with zero-padded shortcuts,
or cifar3 (Caffe's cifar10_full), forward, backward and SGD on one fixed batch. Prints JSON: median_ms of a step, images_per_second, peak_memory_mb, version."""

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


class WithinChannelNorm(torch.autograd.Function):
    """y = x s^-3/4, s = 1 + alpha mean(x^2 over 3x3 pixels), with its gradient in closed form: autograd's keeps more and is slower."""

    @staticmethod
    def forward(context, x):
        s = 1 + 5e-5 * F.avg_pool2d(x * x, 3, 1, 1)
        shrunk = s.pow(-0.75)
        context.save_for_backward(x, s, shrunk)
        return x * shrunk

    @staticmethod
    def backward(context, dy):
        x, s, shrunk = context.saved_tensors
        shared = F.avg_pool2d(dy * x * shrunk / s, 3, 1, 1)
        return dy * shrunk - 2 * 0.75 * 5e-5 * x * shared


class Cifar3(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = (nn.Conv2d(i, o, 5, padding=2) for i, o in ((3, 32), (32, 32), (32, 64)))
        self.head = nn.Linear(1024, classes)

    def forward(self, x):
        x = WithinChannelNorm.apply(F.relu(F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)))
        x = WithinChannelNorm.apply(F.avg_pool2d(F.relu(self.conv2(x)), 3, 2, ceil_mode=True))
        return self.head(F.avg_pool2d(F.relu(self.conv3(x)), 3, 2, ceil_mode=True).flatten(1))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--model", choices=["resnet", "cifar3"], default="resnet")
    options.add_argument("--depth", type=int, default=56, help="of resnet")
    options.add_argument("--batch-size", type=int, default=128)
    options.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="f32 on cuda: with TF32")
    options.add_argument("--compile", action="store_true", help="torch.compile (PyTorch 2)")
    options.add_argument("--cuda-graphs", action="store_true", help="torch.compile with CUDA graphs (reduce-overhead)")
    options.add_argument("--threads", type=int, help="of the processor")
    options.add_argument("--steps", type=int, default=10)
    options = options.parse_args()

    torch.manual_seed(1)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    device = torch.device(options.device)
    model = resnet(options.depth) if options.model == "resnet" else Cifar3()
    model = model.to(device, memory_format=torch.channels_last)
    images = torch.randn(options.batch_size, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(10, (options.batch_size,), device=device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    forward = model
    if options.compile or options.cuda_graphs:
        forward = torch.compile(model, mode="reduce-overhead" if options.cuda_graphs else "default")

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(options.device, dtype=torch.bfloat16, enabled=options.precision == "bf16"):
            loss = F.cross_entropy(forward(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    cuda = options.device == "cuda"

    def milliseconds():
        """A step's; on a GPU ten are queued before the loss is read, as a training loop may."""
        queued = 10 if cuda else 1
        start = time.perf_counter()
        for _ in range(queued):
            loss = step()
        loss.item()
        return 1000 * (time.perf_counter() - start) / queued

    for _ in range(3):
        step().item()
    median = statistics.median(milliseconds() for _ in range(options.steps))
    peak = torch.cuda.max_memory_allocated() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    name = torch.cuda.get_device_name() if cuda else "cpu"
    result = {"median_ms": median, "images_per_second": 1000 * options.batch_size / median, "peak_memory_mb": peak / 1e6}
    print(json.dumps({**vars(options), **result, "device": name, "version": f"PyTorch {torch.__version__}"}))


main()
