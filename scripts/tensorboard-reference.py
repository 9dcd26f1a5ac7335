"""What TensorBoard itself reads in a run folder, for src/runs/event-file.slow.test.ts: JSON on stdin (`folder`), JSON on stdout: `scalars`,
by tag the [step, value] pairs; `group` and `settings` of the hparams session, and its `status`."""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

accumulator = EventAccumulator(json.load(sys.stdin)["folder"], size_guidance={"scalars": 0})
accumulator.Reload()
scalars = {tag: [[e.step, e.value] for e in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}
sessions = {
    tag: plugin_data_pb2.HParamsPluginData.FromString(accumulator.SummaryMetadata(tag).plugin_data.content)
    for tag in accumulator.PluginTagToContent("hparams")
}
start = sessions["_hparams_/session_start_info"].session_start_info
end = sessions["_hparams_/session_end_info"].session_end_info
settings = {
    key: getattr(value, value.WhichOneof("kind")) if value.WhichOneof("kind") != "null_value" else None
    for key, value in start.hparams.items()
}
json.dump({"scalars": scalars, "group": start.group_name, "settings": settings, "status": end.status}, sys.stdout)
