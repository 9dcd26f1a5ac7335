{
  # One object file per processor level, chosen when the addon is loaded: no -march=native, so a build runs anywhere.
  "variables": {
    "kernel_sources": ["kernels.cc", "elementwise.cc", "batch_norm.cc", "pooling.cc", "pool2d.cc", "lrn.cc", "classifier.cc", "updates.cc", "batch.cc", "winograd.cc", "dot.cc"],
    "level_flags": ["-std=c++17", "-O3", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-Wall", "-Wextra", "-Wno-psabi"]
  },
  "target_defaults": {
    "cflags!": ["-fno-omit-frame-pointer"],
    "cflags_cc!": ["-std=gnu++17", "-O3", "-fno-exceptions", "-fno-rtti"]
  },
  "targets": [
    {
      "target_name": "kernels_base",
      "type": "static_library",
      "sources": ["<@(kernel_sources)"],
      "defines": ["LEVEL=base"],
      "cflags_cc": ["<@(level_flags)"]
    },
    {
      "target_name": "onednn",
      "sources": ["addon.cc", "layers.cc", "training.cc", "convolution.cc", "levels.cc", "memory.cc", "threads.cc"],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include\")"],
      "defines": ["NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "NAPI_CPP_EXCEPTIONS", "NAPI_VERSION=8"],
      "cflags_cc": ["-std=c++17", "-O2", "-fopenmp", "-fexceptions", "-Wall", "-Wextra"],
      "libraries": ["-ldnnl", "-fopenmp"],
      "dependencies": ["kernels_base"],
      "conditions": [["target_arch=='x64'", { "dependencies": ["kernels_v3", "kernels_v4"] }]]
    }
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "kernels_v3",
          "type": "static_library",
          "sources": ["<@(kernel_sources)"],
          "defines": ["LEVEL=v3"],
          "cflags_cc": ["<@(level_flags)", "-march=x86-64-v3"]
        },
        {
          "target_name": "kernels_v4",
          "type": "static_library",
          "sources": ["<@(kernel_sources)"],
          "defines": ["LEVEL=v4"],
          "cflags_cc": ["<@(level_flags)", "-march=x86-64-v4"]
        }
      ]
    }]
  ]
}
