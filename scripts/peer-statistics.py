"""Differences of means by SciPy and statsmodels: [{a, b, level, difference}] on stdin, their numbers on stdout."""

import json
import sys

from scipy import stats
from statsmodels.stats.weightstats import ttost_ind


def answer(case):
    a, b = case["a"], case["b"]
    welch = stats.ttest_ind(a, b, equal_var=False)
    interval = welch.confidence_interval(1 - case["level"])
    tost, _, _ = ttost_ind(a, b, -case["difference"], case["difference"], usevar="unequal")
    paired = stats.ttest_rel(a, b) if len(a) == len(b) else None
    of_pairs = paired and paired.confidence_interval(1 - case["level"])
    wins = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
    return {
        "welch": [welch.pvalue, interval.low, interval.high],
        "tost": tost,
        "paired": paired and [paired.pvalue, of_pairs.low, of_pairs.high],
        "wins": wins,
    }


print(json.dumps([answer(case) for case in json.load(sys.stdin)]))
