"""What PyTorch itself does, for src/testing/torch.test.ts: reads cases as JSON on stdin, writes the results as JSON to stdout."""
import json
import sys
import warnings

import torch

warnings.filterwarnings("ignore")
torch.set_default_dtype(torch.float64)


def one_cycle(total_steps, options):
    """[lr, momentum] used at each update."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, total_steps=total_steps, **options)
    used = []
    for update in range(total_steps):
        group = optimizer.param_groups[0]
        used.append([float(group["lr"]), float(group["momentum"])])
        optimizer.step()
        if update + 1 < total_steps:
            scheduler.step()
    return used


def optimize(name, options, parameters, gradients, lr, momentum, clip_norm=None):
    """The parameters after the last of the steps, each with its own gradients, LR and momentum (or beta1)."""
    parameters = [torch.nn.Parameter(torch.tensor(p)) for p in parameters]
    optimizer = getattr(torch.optim, name)(parameters, lr=1.0, **options)
    for step in range(len(lr)):
        group = optimizer.param_groups[0]
        group["lr"] = lr[step]
        if momentum is not None and "betas" in group:
            group["betas"] = (momentum[step], group["betas"][1])
        elif momentum is not None:
            group["momentum"] = momentum[step]
        for parameter, gradient in zip(parameters, gradients[step]):
            parameter.grad = torch.tensor(gradient)
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
        optimizer.step()
    return [p.tolist() for p in parameters]


def smoothed_loss(logits, labels, label_smoothing):
    """[the mean cross-entropy, its gradient by the logits]."""
    logits = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels), label_smoothing=label_smoothing)
    loss.backward()
    return [float(loss), logits.grad.tolist()]


cases = json.load(sys.stdin)
json.dump(
    {
        "version": torch.__version__,
        "schedules": [one_cycle(**case) for case in cases["schedules"]],
        "optimizers": [optimize(**case) for case in cases["optimizers"]],
        "losses": [smoothed_loss(**case) for case in cases["losses"]],
    },
    sys.stdout,
)
