#!/usr/bin/env bash
# Runs nongemm on a machine without Rust:
#
#     bash run.sh OUT [MANIFEST.toml] [FLAGS of nongemm bench ..]
#
# It finds the libtorch and the CUDA libraries of this machine's Python, says what is available, runs the manifest
# and leaves the run records in OUT. The manifest is experiments/gpu.toml where there is a GPU, else
# experiments/quick.toml. PYTHON names the Python that has torch.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
torch_version=@TORCH@ # what the binary is linked with; empty: nothing
python=${PYTHON:-python3}

fail() {
  echo "run.sh: $1" >&2
  exit 2
}

# The version of torch, or nothing, then the folders of its libraries and of CUDA's.
libraries() {
  "$python" - <<'PYTHON'
import glob, importlib.metadata, importlib.util, os, sys

spec = importlib.util.find_spec("torch")
print(importlib.metadata.version("torch").split("+")[0] if spec else "")
folders = [os.path.join(os.path.dirname(spec.origin), "lib")] if spec else []
for place in sys.path:
    folders += sorted(glob.glob(os.path.join(place, "nvidia", "*", "lib")))
print(":".join(folders))
PYTHON
}

[ $# -ge 1 ] || fail "usage: bash run.sh OUT [MANIFEST.toml] [FLAGS of nongemm bench ..]"
out=$1
shift
if [ $# -ge 1 ] && [[ $1 == *.toml ]]; then
  manifest=$1
  [ -f "$manifest" ] || manifest=$here/experiments/$1
  [ -f "$manifest" ] || fail "no manifest $1 here or in $here/experiments"
  shift
elif nvidia-smi --list-gpus >/dev/null 2>&1; then
  manifest=$here/experiments/gpu.toml
else
  manifest=$here/experiments/quick.toml
fi

if command -v "$python" >/dev/null; then
  { read -r found && read -r folders; } < <(libraries) || fail "$python does not say where torch is"
else
  found='' folders=''
fi
if [ -n "$torch_version" ] && [ "$found" != "$torch_version" ]; then
  fail "this binary needs torch $torch_version, $python has ${found:-none}; \
install it (pip install torch==$torch_version) or name another Python with PYTHON"
fi
for place in "$folders" /usr/local/cuda/lib64; do
  [ -z "$place" ] || LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$place
done
export LD_LIBRARY_PATH
export NONGEMM_PYTHON=${NONGEMM_PYTHON:-$python}

mkdir -p "$out" || fail "cannot make the folder $out"
"$here/nongemm" doctor | tee "$out/doctor.txt"
"$here/nongemm" bench "$manifest" --out "$out" "$@"
