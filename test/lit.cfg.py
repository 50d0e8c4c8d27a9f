# How the tests run. Start them with tools/test, or after a build with
# `.deps/venv/bin/lit -v test` (or any file or folder under test/).
import os
import pathlib
import shutil
import subprocess

import lit.formats
import lit.util

source = pathlib.Path(__file__).resolve().parent.parent
build = lit_config.params.get("build") or os.environ.get("TINTYPE_BUILD")
if not build:
    kinds = [source / "build" / kind for kind in ("release", "dev", "asan")]
    build = next((b for b in kinds if (b / "bin").exists()), kinds[0])
build = pathlib.Path(build).resolve()
venv = source / ".deps/venv/bin/python"
python = str(venv) if venv.exists() else "python3"

config.name = "tintype"
config.test_format = lit.formats.ShTest()
config.suffixes = [".mlir", ".tin", ".test"]
config.excludes = ["fuzz", "support", "Inputs", "data", "models", "bench", "CMakeLists.txt"]
config.test_source_root = str(source / "test")
config.test_exec_root = str(build / "test")

config.environment["PATH"] = os.pathsep.join(
    [str(build / "bin"), "/usr/lib/llvm-22/bin", os.path.dirname(python), os.environ["PATH"]])
config.environment["PYTHONPATH"] = str(source / "test/support")
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
# Compiled kernels are shared between tests, and apart from the user's own.
config.environment["XDG_CACHE_HOME"] = str(build / "test/cache")
for name in ("HOME", "TMPDIR", "CCACHE_DIR"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

config.substitutions += [
    ("%python", python),
    ("%models", str(source / "frontend/models")),
    ("%std", str(source / "frontend")),
    ("%build", str(build)),
    ("%support", str(source / "test/support")),
    ("%root", str(source)),
    ("%shared", str(source.parent / "shared")),
]

# Features. `REQUIRES: slow` keeps a test out of `tools/test --fast`; `tool-X` says that
# program X was built; `build` that the driver makes binaries; `chromium` that this browser is there; `modes` that modes of files can hold for root, too; `mounts` that a small disk can be made; `shared` that the recorded reference traces lie beside the project.
if not lit_config.params.get("fast"):
    config.available_features.add("slow")
if (source.parent / "shared/peers/parity").is_dir():
    config.available_features.add("shared")
with open("/proc/cpuinfo") as f:
    flags = next((line for line in f if line.startswith("flags")), "").split()
config.available_features.update(flag for flag in ("avx2", "avx512f", "avx512_bf16") if flag in flags)
if "avx512f" in flags:
    config.available_features.add("avx512")
if (build / "bin").is_dir():
    config.available_features.update("tool-" + p.name for p in (build / "bin").iterdir())
if shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"):
    config.available_features.add("chromium")
if lit.util.which("nvim"):
    config.available_features.add("nvim")
if lit.util.which("emacs") and pathlib.Path("/usr/share/emacs/site-lisp/elpa-src").is_dir() and list(
        pathlib.Path("/usr/share/emacs/site-lisp/elpa-src").glob("eglot-*")):
    config.available_features.add("eglot")
if subprocess.run([python, source / "test/support/without_rights.py", "true"], stderr=subprocess.DEVNULL).returncode == 0:
    config.available_features.add("modes")
if shutil.which("unshare") and subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], stderr=subprocess.DEVNULL).returncode == 0:
    config.available_features.add("mounts")
driver = build / "bin/tintype"
if driver.exists() and "\n  build " in subprocess.run([driver, "--help"], capture_output=True, text=True).stdout:
    config.available_features.add("build")

if lit_config.maxIndividualTestTime == 0 and lit.util.killProcessAndChildrenIsSupported()[0]:
    lit_config.maxIndividualTestTime = 600
