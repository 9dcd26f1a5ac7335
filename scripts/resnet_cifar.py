"""The residual nets of `clr` in PyTorch, with torchvision's names: what `clr export RUN --weights pytorch|safetensors` is loaded into.

    import json, resnet_cifar
    from safetensors import safe_open
    from safetensors.torch import load_file
    with safe_open("weights.safetensors", "pt") as file:
        metadata = file.metadata()
    net = resnet_cifar.resnet(json.loads(metadata["model"]), classes=len(json.loads(metadata["classes"])))
    net.load_state_dict(load_file("weights.safetensors"))
"""

from torch import nn
from torch.nn import functional as F


class Shortcut(nn.Module):
    """Without parameters: every second pixel, or the mean over 3x3 of them; the other channels are zeros."""

    def __init__(self, kind, channels_in, channels):
        super().__init__()
        self.pooled = kind == "avgpool-concat"
        self.before = 0 if self.pooled else (channels - channels_in) // 2
        self.after = channels - channels_in - self.before

    def forward(self, x):
        x = F.avg_pool2d(x, 3, 2, ceil_mode=True) if self.pooled else x[:, :, ::2, ::2]
        return F.pad(x, (0, 0, 0, 0, self.before, self.after))


class Block(nn.Module):
    def __init__(self, options, channels_in, channels, stride, first):
        super().__init__()
        self.shared = first or stride == 2  # pre-activation: the shortcut begins at the activated input
        conv = lambda before, size, stride: nn.Conv2d(  # noqa: E731
            before, channels, size, stride, padding=(size - 1) // 2, bias=options["conv_bias"]
        )
        norm = lambda channels: nn.BatchNorm2d(channels, options["bn_epsilon"], options["bn_momentum"])  # noqa: E731
        self.placement, kind = options["bn_placement"], options["shortcut"]
        self.conv1 = conv(channels_in, 3, stride)
        self.bn1 = norm(channels_in if self.placement == "pre-activation" else channels)
        self.conv2, self.bn2 = conv(channels, 3, 1), norm(channels)
        self.downsample = None
        if stride == 2 and kind.startswith("projection"):
            layers = [conv(channels_in, 1 if kind == "projection" else 2, 2)]
            self.downsample = nn.Sequential(*layers, *([] if self.placement == "pre-activation" else [norm(channels)]))
        elif stride == 2:
            self.downsample = Shortcut(kind, channels_in, channels)

    def forward(self, x):
        skip = self.downsample or nn.Identity()
        if self.placement == "pre-activation":
            active = F.relu(self.bn1(x))
            hidden = self.conv2(F.relu(self.bn2(self.conv1(active))))
            return hidden + skip(active if self.shared else x)
        y = self.conv2(F.relu(self.bn1(self.conv1(x))))
        if self.placement == "after-add":
            return F.relu(self.bn2(y + skip(x)))
        y = self.bn2(y) + skip(x)
        return y if self.placement == "smith" else F.relu(y)


class ResNet(nn.Module):
    def __init__(self, options, classes, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=options["conv_bias"])
        norm = lambda channels: nn.BatchNorm2d(channels, options["bn_epsilon"], options["bn_momentum"])  # noqa: E731
        preactivated = options["bn_placement"] == "pre-activation"
        self.bn1 = None if preactivated else norm(16)
        counts = options.get("blocks") or [(options["depth"] - 2) // 6] * 3
        width = 16
        for stage, (count, to) in enumerate(zip(counts, (16, 32, 64)), 1):
            strides = [2 if stage > 1 and block == 0 else 1 for block in range(count)]
            blocks = [
                Block(options, width if block == 0 else to, to, stride, first=stage + block == 1)
                for block, stride in enumerate(strides)
            ]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            width = to
        self.bn = norm(64) if preactivated else None
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = self.conv1(x)
        x = F.relu(self.bn1(x)) if self.bn1 else x
        x = self.layer3(self.layer2(self.layer1(x)))
        x = F.relu(self.bn(x)) if self.bn else x
        return self.fc(x.mean((2, 3)))


def resnet(options, classes=10, channels=3):
    """`options`: the `model` of a config, as the metadata has it."""
    return ResNet(options, classes, channels).eval()
