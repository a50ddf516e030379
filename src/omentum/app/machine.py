"""Describe the software and the machine that a command runs on, for reports."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from omentum.app.run_record import Machine
from omentum.runners.processes import n_processors

__all__ = ["machine_facts", "software_versions"]

_PACKAGES = ("omentum", "torch", "monai", "numpy", "scipy", "nibabel", "SimpleITK", "pydicom")


def software_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that figures depend on, by name."""
    return {"python": platform.python_version(), **dict(_versions())}


def machine_facts() -> Machine:
    """Describe this machine without its name: nothing here tells whose it is."""
    return Machine(
        os=platform.platform(),
        cpu=_cpu(),
        n_processors=n_processors(),
        memory_bytes=_memory_bytes(),
        gpus=_gpus(),
    )


def _versions() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _cpu() -> str:
    """Name the processor, as Linux tells it and else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _gpus() -> tuple[str, ...]:
    """Name the GPUs; PyTorch is asked only if the command loaded it, as that takes seconds."""
    torch = sys.modules.get("torch")
    if torch is None:
        return ()
    return tuple(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))
