"""For src/weights/weights.slow.test.ts: reads JSON on stdin: `file`, exported weights; `options`, the model's; `images` [N, H, W, C].
Writes the logits of PyTorch or of ONNX Runtime, by the file's ending, as JSON to stdout."""
import json
import sys

import numpy as np

request = json.load(sys.stdin)
images = np.array(request["images"], dtype="float32").transpose(0, 3, 1, 2)
if request["file"].endswith(".onnx"):
    import onnx
    import onnxruntime

    onnx.checker.check_model(request["file"], full_check=True)
    logits = onnxruntime.InferenceSession(request["file"]).run(["logits"], {"images": images})[0]
else:
    import resnet_cifar
    import torch
    from safetensors.torch import load_file

    pt = request["file"].endswith(".pt")
    state = torch.load(request["file"], weights_only=True) if pt else load_file(request["file"])
    net = resnet_cifar.resnet(request["options"])
    net.load_state_dict(state)
    with torch.no_grad():
        logits = net(torch.from_numpy(images)).numpy()
json.dump(logits.tolist(), sys.stdout)
