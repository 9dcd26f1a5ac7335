"""Training in PyTorch, for src/backends/torch-training.slow.test.ts: reads JSON on stdin: `file`, a checkpoint with a model's
initial weights and with batches x0, labels0, x1, ...; `model`, its options in a config; `optimizer`: those of sgd; `steps`, LR
and momentum of each update. Writes the loss of each update, before it, as JSON to stdout. Models and updates are written here
once more from their sources, not from the program's."""
import json
import sys

import torch
from torch.nn import functional as F


def read_safetensors(file):
    """Name -> tensor, in the file's order."""
    with open(file, "rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        data = bytearray(stream.read())
    values = torch.frombuffer(data, dtype=torch.float32)
    slices = {name: [i // 4 for i in entry["data_offsets"]] for name, entry in header.items() if name != "__metadata__"}
    return {name: values[begin:end].view(header[name]["shape"]) for name, (begin, end) in slices.items()}


def in_torch_layout(tensor):
    """Filters [K, K, I, O] -> [O, I, K, K], weights [I, O] -> [O, I], vectors as they are."""
    return (tensor.permute(3, 2, 0, 1) if tensor.dim() == 4 else tensor.t()).clone().requires_grad_()


def layers_of(parameters):
    """conv, norm and head by the names of their parameters."""
    def conv(name, x, stride=1):
        weight = parameters[f"{name}.filter"]
        return F.conv2d(x, weight, parameters.get(f"{name}.bias"), stride, padding=(weight.shape[-1] - 1) // 2)

    def norm(name, x):
        scale, shift = parameters[f"{name}.scale"], parameters[f"{name}.shift"]
        return F.batch_norm(x, None, None, scale, shift, training=True, eps=1e-5)

    def head(x):
        return F.linear(x.mean((2, 3)), parameters["head.weights"], parameters["head.bias"])

    return conv, norm, head


def residual(parameters, x, options):
    """CIFAR ResNets: He et al. 2015 (post-conv, options A and B), He et al. 2016 and Zagoruyko & Komodakis (pre-activation),
    Smith's Caffe files (smith; projection-2x2, avgpool-concat), and batch norm after the sum (after-add)."""
    conv, norm, head = layers_of(parameters)
    placement, kind = options["bn_placement"], options["shortcut"]

    def shortcut(block, x, channels, stride):
        if stride == 1 and channels == x.shape[1]:
            return x
        if f"{block}.shortcut.conv.filter" in parameters:
            x = conv(f"{block}.shortcut.conv", x, stride)
            return x if placement == "pre-activation" else norm(f"{block}.shortcut.bn", x)
        extra = channels - x.shape[1]
        if kind == "identity-pad":
            return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, extra // 2, extra // 2))
        return F.pad(F.avg_pool2d(x, 3, 2, ceil_mode=True), (0, 0, 0, 0, 0, extra))

    x = conv("stem.conv", x)
    if placement != "pre-activation":
        x = F.relu(norm("stem.bn", x))
    for i, block in enumerate(dict.fromkeys(n.rsplit(".", 2)[0] for n in parameters if n.startswith("stage") and "shortcut" not in n)):
        channels = parameters[f"{block}.conv1.filter"].shape[0]
        stride = 2 if block.endswith("block1") and not block.startswith("stage1") else 1
        if placement == "pre-activation":
            active = F.relu(norm(f"{block}.bn1", x))
            y = conv(f"{block}.conv2", F.relu(norm(f"{block}.bn2", conv(f"{block}.conv1", active, stride))))
            x = y + shortcut(block, active if i == 0 or stride == 2 or channels != x.shape[1] else x, channels, stride)
            continue
        y = conv(f"{block}.conv2", F.relu(norm(f"{block}.bn1", conv(f"{block}.conv1", x, stride))))
        if placement == "after-add":
            x = F.relu(norm(f"{block}.bn2", y + shortcut(block, x, channels, stride)))
        else:
            x = norm(f"{block}.bn2", y) + shortcut(block, x, channels, stride)
            x = F.relu(x) if placement == "post-conv" else x
    return head(F.relu(norm("last.bn", x)) if placement == "pre-activation" else x)


def densenet(parameters, x, _options):
    """DenseNets without bottlenecks (Huang et al., arXiv:1608.06993), dropout off."""
    conv, norm, head = layers_of(parameters)
    x = conv("stem.conv", x)
    for step in dict.fromkeys(name.rsplit(".", 2)[0] for name in parameters if name.startswith(("block", "transition"))):
        y = conv(f"{step}.conv", F.relu(norm(f"{step}.bn", x)))
        x = F.avg_pool2d(y, 2) if step.startswith("transition") else torch.cat([x, y], 1)
    return head(F.relu(norm("last.bn", x)))


def cifar3(parameters, x, _options):
    """Caffe's cifar10_full (examples/cifar10 of https://github.com/BVLC/caffe)."""
    def conv(name, x):
        return F.conv2d(x, parameters[f"{name}.filter"], parameters[f"{name}.bias"], padding=2)

    def lrn(x):
        mean = F.avg_pool2d(x * x, 3, stride=1, padding=1)  # divides by 9 at the edges too
        return x * (1 + 5e-5 * mean) ** -0.75

    x = lrn(F.relu(F.max_pool2d(conv("conv1", x), 3, 2, ceil_mode=True)))
    x = lrn(F.avg_pool2d(F.relu(conv("conv2", x)), 3, 2, ceil_mode=True))
    x = F.avg_pool2d(F.relu(conv("conv3", x)), 3, 2, ceil_mode=True)
    return F.linear(x.permute(0, 2, 3, 1).flatten(1), parameters["ip1.weights"], parameters["ip1.bias"])


MODELS = {"resnet": residual, "wide-resnet": residual, "densenet": densenet, "cifar3": cifar3}

# Parameter -> lr_mult, decay_mult
MULTIPLIERS = {"cifar3": {"conv1.bias": (2, 1), "conv2.bias": (2, 1), "ip1.weights": (1, 250), "ip1.bias": (2, 0)}}


class CaffeSgd:
    """SGDSolver and NesterovSolver of Caffe (src/caffe/solvers)."""
    def __init__(self, parameters, multipliers, weight_decay, nesterov):
        self.parameters = [(p, *multipliers.get(name, (1, 1))) for name, p in parameters.items()]
        self.weight_decay, self.nesterov = weight_decay, nesterov
        self.history = [torch.zeros_like(p) for p, _, _ in self.parameters]

    @torch.no_grad()
    def step(self, lr, momentum):
        for (p, lr_mult, decay_mult), history in zip(self.parameters, self.history):
            before = history.clone()
            history.mul_(momentum).add_(lr * lr_mult * (p.grad + self.weight_decay * decay_mult * p))
            p -= (1 + momentum) * history - momentum * before if self.nesterov else history


class TorchSgd:
    def __init__(self, parameters, weight_decay, nesterov):
        options = {"lr": 1.0, "momentum": 0.9, "weight_decay": weight_decay, "nesterov": nesterov}
        self.optimizer = torch.optim.SGD(list(parameters.values()), **options)

    def step(self, lr, momentum):
        self.optimizer.param_groups[0].update(lr=lr, momentum=momentum)
        self.optimizer.step()


def make_optimizer(parameters, model, weight_decay, nesterov=False, lr_placement="outside"):
    multipliers = MULTIPLIERS.get(model["type"], {})
    if lr_placement == "inside" or multipliers:
        assert lr_placement == "inside", "no reference for multipliers with the LR outside"
        return CaffeSgd(parameters, multipliers, weight_decay, nesterov)
    return TorchSgd(parameters, weight_decay, nesterov)


def train(file, model, optimizer, steps):
    tensors = read_safetensors(file)
    parameters = {name: in_torch_layout(value) for name, value in tensors.items() if "." in name}
    update = make_optimizer(parameters, model, **optimizer)
    for i, step in enumerate(steps):
        x = tensors[f"x{i}"].permute(0, 3, 1, 2)
        loss = F.cross_entropy(MODELS[model["type"]](parameters, x, model), tensors[f"labels{i}"].long())
        for p in parameters.values():
            p.grad = None
        loss.backward()
        update.step(**step)
        yield loss.item()


json.dump(list(train(**json.load(sys.stdin))), sys.stdout)
