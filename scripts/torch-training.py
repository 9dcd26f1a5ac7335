"""Training in PyTorch, for src/backends/torch-training.slow.test.ts: reads JSON on stdin: `file`, a checkpoint with the initial
weights of a CIFAR ResNet (He et al., arXiv:1512.03385; zero-padded shortcuts) and with batches x0, labels0, x1, ...; `steps`, LR
and momentum of each update; `weight_decay`. Writes the loss of each update, before it, as JSON to stdout."""
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


def logits(parameters, x):
    def conv(name, x, stride=1):
        return F.conv2d(x, parameters[f"{name}.filter"], stride=stride, padding=1)

    def norm(name, x):
        scale, shift = parameters[f"{name}.scale"], parameters[f"{name}.shift"]
        return F.batch_norm(x, None, None, scale, shift, training=True, eps=1e-5)

    x = F.relu(norm("stem.bn", conv("stem.conv", x)))
    for block in dict.fromkeys(name.rsplit(".", 2)[0] for name in parameters if name.startswith("stage")):
        extra = parameters[f"{block}.conv1.filter"].shape[0] - x.shape[1]
        y = F.relu(norm(f"{block}.bn1", conv(f"{block}.conv1", x, 2 if extra else 1)))
        y = norm(f"{block}.bn2", conv(f"{block}.conv2", y))
        if extra:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, extra // 2, extra // 2))
        x = F.relu(y + x)
    return F.linear(x.mean((2, 3)), parameters["head.weights"], parameters["head.bias"])


def train(file, steps, weight_decay):
    tensors = read_safetensors(file)
    parameters = {name: in_torch_layout(value) for name, value in tensors.items() if "." in name}
    optimizer = torch.optim.SGD(list(parameters.values()), lr=1.0, weight_decay=weight_decay)
    for i, step in enumerate(steps):
        optimizer.param_groups[0].update(step)
        x = tensors[f"x{i}"].permute(0, 3, 1, 2)
        loss = F.cross_entropy(logits(parameters, x), tensors[f"labels{i}"].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


json.dump(list(train(**json.load(sys.stdin))), sys.stdout)
