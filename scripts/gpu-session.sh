#!/bin/sh
# Checks and measurements on a GPU host, under ten minutes a call: from the unpacked portable archive or a checkout.
#   scripts/gpu-session.sh DATA OUT PART...         e.g. scripts/gpu-session.sh cifar10.tar.gz out probe kernels bench
# DATA is CIFAR-10 as for --data; OUT the folder for all that comes back. The parts:
#   probe             driver, Vulkan, `clr doctor`; what the adapter offers with and without each of dawn's switches
#   kernels           every kernel against the reference, on the device: each precision, index checks on and off, no matrix units
#   bench             the training step at BATCH, and at 16: the same dispatches, so what launches cost
#   switches          the step again with index checks, and in float16 without matrix units
#   profile           the step by kernel, and the copy and the arithmetic that the device reaches
#   pytorch           the same net in PyTorch, where python3 has it: eager, compiled, with CUDA graphs
#   train CONFIG...   takes the rest of the line: runs in turn, in RUNS; called again it resumes what is not done
# How to read the tables: src/backends/webgpu/README.md.
# Environment: BACKEND (webgpu), PRECISIONS ("f32 f16"), DEVICE, BATCH (512), DEPTH (56), STEPS (20), RUNS (OUT/runs),
# SECONDS_A_CALL (570), TRAIN_FLAGS (for `clr run`), TORCH_DEVICE (cuda).
set -u
[ $# -ge 3 ] || { sed -n '2,18s/^# \{0,1\}//p' "$0"; exit 2; }
root=$(dirname "$(readlink -f "$0")")/..
data=$(readlink -f "$1")
mkdir -p "$2"
out=$(readlink -f "$2")
shift 2
: "${BACKEND:=webgpu}" "${PRECISIONS:=f32 f16}" "${BATCH:=512}" "${DEPTH:=56}" "${STEPS:=20}" "${RUNS:=$out/runs}"
export BACKEND RUNS
device=${DEVICE:+--device=$DEVICE}
deadline=$(($(date +%s) + ${SECONDS_A_CALL:-570}))
failures=0
clr=$root/clr
[ -x "$clr" ] || clr=$root/bin/clr.js

left() { echo $((deadline > $(date +%s) ? deadline - $(date +%s) : 1)); }

# into FILE COMMAND...: its output goes to OUT/FILE, its messages to OUT/FILE.log; continues if it fails
into() {
  file=$1
  shift
  echo "== $file: $*"
  timeout "$(left)" "$@" >"$out/$file" 2>"$out/$file.log" && return
  echo "   failed with $?: $(tail -n 2 "$out/$file.log")"
  failures=$((failures + 1))
}

# Containers often have NVIDIA's driver without the file that tells Vulkan about it.
find_vulkan_driver() {
  ls /usr/share/vulkan/icd.d/nvidia* /etc/vulkan/icd.d/nvidia* >/dev/null 2>&1 && return
  for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
    /sbin/ldconfig -p | grep -q "$library" || continue
    ldd "$(/sbin/ldconfig -p | sed -n "s/.*$library.* => //p" | head -n 1)" | grep -q 'not found' && continue
    printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.3.0"}}\n' "$library" >"$out/nvidia_icd.json"
    export VK_ADD_DRIVER_FILES="$out/nvidia_icd.json"
    return
  done
}

host_info() {
  uname -a
  getconf GNU_LIBC_VERSION
  nproc
  nvidia-smi
  nvidia-smi -q -d CLOCK
  /sbin/ldconfig -p | grep -E 'vulkan|nvidia|libcuda|libX11.so.6|libXext'
  head -n 50 /usr/share/vulkan/icd.d/* /etc/vulkan/icd.d/*
  echo "VK_ADD_DRIVER_FILES=${VK_ADD_DRIVER_FILES:-}"
  python3 -c 'import torch; print("torch", torch.__version__, torch.cuda.is_available())'
} 2>&1

adapter() {
  node=$root/node
  [ -x "$node" ] || node=node
  into adapter.txt "$node" "$root/scripts/webgpu-adapter.mjs"
}

kernels() {
  for precision in $PRECISIONS; do
    for robust in 1 0; do
      into "kernels-$precision-robust$robust.txt" \
        env CLR_WEBGPU_ROBUST=$robust "$clr" doctor --kernels "$BACKEND" --precision "$precision" $device
    done
    [ "$precision" = f32 ] || into "kernels-$precision-no-matrix-units.txt" \
      env CLR_WEBGPU_MATRIX=off "$clr" doctor --kernels "$BACKEND" --precision "$precision" $device
  done
}

# step NAME PRECISION BATCH FLAG...; SWITCH: a variable for clr's environment
step() {
  name=$1 precision=$2 batch=$3
  shift 3
  into "bench-$name.json" env ${SWITCH:-} "$clr" bench --backend "$BACKEND" --precision "$precision" $device \
    --depth "$DEPTH" --batch-size "$batch" --steps "$STEPS" --json "$@"
}

bench() {
  for precision in $PRECISIONS; do
    for batch in $BATCH 16; do step "$precision-$batch" "$precision" "$batch"; done
  done
}

switches() {
  for precision in $PRECISIONS; do
    SWITCH=CLR_WEBGPU_ROBUST=1
    step "$precision-robust" "$precision" "$BATCH"
    SWITCH=CLR_WEBGPU_MATRIX=off
    [ "$precision" = f32 ] || step "$precision-no-matrix-units" "$precision" "$BATCH"
    SWITCH=
  done
}

profile() {
  for precision in $PRECISIONS; do step "$precision-profile" "$precision" "$BATCH" --profile; done
}

pytorch() {
  python3 -c 'import torch' 2>/dev/null || { echo "== PyTorch: python3 has no torch"; return; }
  for precision in f32 bf16; do
    for mode in eager compile cuda-graphs; do
      [ $mode = eager ] && flag="" || flag=--$mode
      into "torch-$precision-$mode.json" python3 "$root/scripts/bench-pytorch.py" --device "${TORCH_DEVICE:-cuda}" \
        --precision "$precision" $flag --depth "$DEPTH" --batch-size "$BATCH" --steps "$STEPS"
    done
  done
}

# The runs in turn, in their own process group, which outlives this call.
train_all() {
  for config; do
    run=$RUNS/$(basename "$config" .json)
    finished "$run" && continue
    set -- "$config" --run-dir "$run" --backend "$BACKEND" $device ${TRAIN_FLAGS:-}
    [ ! -e "$run/config.json" ] || set -- --resume "$run"
    "$clr" run "$@" --data "$data" --cache "$RUNS/cache" >>"$run.log" 2>&1
  done
}

finished() { grep -qsE '"status": "(completed|diverged)"' "$1/summary.json"; }

train() {
  mkdir -p "$RUNS"
  setsid flock -n "$RUNS/lock" "$0" "$data" "$out" train-all "$@" >/dev/null 2>&1 & # does nothing if one is running
  sleep 1
  while [ "$(left)" -gt 20 ] && ! flock -n "$RUNS/lock" true; do sleep 2; done
  for config; do
    name=$(basename "$config" .json)
    mkdir -p "$out/train/$name"
    cp "$RUNS/$name".log "$RUNS/$name"/*.csv "$RUNS/$name"/*.json "$RUNS/$name"/*.png "$out/train/$name" 2>/dev/null
    finished "$RUNS/$name" && verdict="finished" || verdict="not finished: call again" failures=$((failures + 1))
    echo "== train $name: $verdict"
    tail -n 2 "$RUNS/$name.log" 2>/dev/null
  done
}

find_vulkan_driver
while [ $# -gt 0 ]; do
  part=$1
  shift
  case $part in
    probe) host_info >"$out/probe.txt"; adapter; into doctor.txt "$clr" doctor --data "$data"; cat "$out/doctor.txt" ;;
    kernels | bench | switches | profile | pytorch) $part ;;
    train) train "$@"; break ;;
    train-all) train_all "$@"; break ;;
    *)
      echo "gpu-session: unknown part $part; known: probe, kernels, bench, switches, profile, pytorch, train"
      exit 2
      ;;
  esac
done
exit $((failures > 0))
