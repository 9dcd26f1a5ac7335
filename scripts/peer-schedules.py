"""What the libraries' own schedules do, for src/schedules/translations.slow.test.ts.

Reads [{library, code, epochs, iterations_per_epoch}] as JSON on stdin, where `code` is what a user of that library writes,
and writes for each {used: [[lr, momentum], ...] of each update, optimizer: its options} as JSON to stdout. Momentum and
options are null where the library's schedule has none. Needs the library: torch, fastai, transformers and torch, or keras.
"""
import json
import os
import sys
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.filterwarnings("ignore")


def from_torch(code, epochs, iterations_per_epoch, names=()):
    """`code` makes `optimizer` and `scheduler`, which is stepped after each update."""
    import torch

    iterations = epochs * iterations_per_epoch
    scope = {"torch": torch, "model": torch.nn.Linear(1, 1), "iterations": iterations, **dict(names)}
    exec(code, scope)
    optimizer, scheduler = scope["optimizer"], scope["scheduler"]
    used = []
    for update in range(iterations):
        group = optimizer.param_groups[0]
        momentum = group["momentum"] if "momentum" in group else group["betas"][0]
        used.append([float(group["lr"]), float(momentum)])
        optimizer.step()
        if update + 1 < iterations:
            scheduler.step()
    options = ("weight_decay", "nesterov", "betas", "eps")
    return {"used": used, "optimizer": {name: optimizer.defaults.get(name) for name in options}}


def from_transformers(code, epochs, iterations_per_epoch):
    import transformers

    names = {name: getattr(transformers, name) for name in dir(transformers) if name.startswith("get_")}
    return from_torch(code, epochs, iterations_per_epoch, names)


def from_fastai(code, epochs, iterations_per_epoch):
    """`code` trains `learn`, a fastai Learner of a line through random points, which records what it uses."""
    import contextlib

    import fastai.basics as fastai
    import fastai.callback.schedule as schedule
    import torch

    points = [(torch.rand(1), torch.rand(1)) for _ in range(iterations_per_epoch)]
    data = fastai.DataLoaders.from_dsets(points, points[:1], bs=1, num_workers=0)
    learn = fastai.Learner(
        data, torch.nn.Linear(1, 1), loss_func=torch.nn.MSELoss(), opt_func=fastai.partial(fastai.SGD, mom=0.9)
    )
    used = []

    class Record(fastai.Callback):
        order = 61  # after ParamScheduler, which sets the LR before each batch

        def before_batch(self):
            if self.training:
                hyper = self.opt.hypers[-1]
                used.append([float(hyper["lr"]), float(hyper["mom"])])

    learn.add_cb(Record())
    with contextlib.redirect_stdout(sys.stderr):
        exec(code, {**vars(fastai), **vars(schedule), "learn": learn})
    return {"used": used, "optimizer": None}


def from_keras(code, epochs, iterations_per_epoch):
    """`code` makes `schedule`, which is called with the number of the update."""
    import keras

    scope = {"keras": keras, "iterations": epochs * iterations_per_epoch}
    exec(code, scope)
    used = [[float(scope["schedule"](update)), None] for update in range(scope["iterations"])]
    return {"used": used, "optimizer": None}


libraries = {"torch": from_torch, "transformers": from_transformers, "fastai": from_fastai, "keras": from_keras}

cases = json.load(sys.stdin)
json.dump([libraries[case.pop("library")](**case) for case in cases], sys.stdout)
