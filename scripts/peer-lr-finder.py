"""What fastai 2's lr_find suggests, for src/lr-finder/fastai.slow.test.ts.

Reads [{lr, average, num_it}] as JSON on stdin, the LRs and smoothed losses that a finder recorded, and writes for each
{valley, steep, minimum, slide} as JSON to stdout, by fastai's own lr_find on a learner that has recorded them.
"""
import contextlib
import json
import sys
import types

from fastai.callback.schedule import minimum, slide, steep, valley
from fastai.learner import Learner


def suggestions(lr, average, num_it):
    learner = types.SimpleNamespace(
        dls=types.SimpleNamespace(train=range(num_it)),
        no_logging=contextlib.nullcontext,
        fit=lambda *_, **__: None,
        recorder=types.SimpleNamespace(lrs=lr, losses=[float("nan") if loss is None else loss for loss in average]),
    )
    found = Learner.lr_find(learner, num_it=num_it, show_plot=False, suggest_funcs=(valley, steep, minimum, slide))
    return found._asdict()


json.dump([suggestions(**case) for case in json.load(sys.stdin)], sys.stdout)
