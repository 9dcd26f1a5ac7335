"""For src/weights/weights.slow.test.ts: reads JSON on stdin: `file`, exported weights; `options`, the model's; `images` [N, H, W, C].
Writes the logits of PyTorch or of ONNX Runtime, by the file's ending, as JSON to stdout."""
import json
import sys

import numpy as np

asked = json.load(sys.stdin)
images = np.array(asked["images"], dtype="float32").transpose(0, 3, 1, 2)
if asked["file"].endswith(".onnx"):
    import onnx
    import onnxruntime

    onnx.checker.check_model(asked["file"], full_check=True)
    logits = onnxruntime.InferenceSession(asked["file"]).run(["logits"], {"images": images})[0]
else:
    import resnet_cifar
    import torch
    from safetensors.torch import load_file

    pt = asked["file"].endswith(".pt")
    state = torch.load(asked["file"], weights_only=True) if pt else load_file(asked["file"])
    net = resnet_cifar.resnet(asked["options"])
    net.load_state_dict(state)
    with torch.no_grad():
        logits = net(torch.from_numpy(images)).numpy()
json.dump(logits.tolist(), sys.stdout)
