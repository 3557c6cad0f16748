# SPDX-License-Identifier: GPL-3.0-or-later
"""A Slurm with two nodes on this machine: the real programs, on loopback, without munge or systemd."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NODES = ("photoreal1", "photoreal2")
START_SECONDS = 60.0
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "sinfo")

CONFIGURATION = """\
ClusterName=photoreal
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=6
KillWait=2
NodeName=photoreal1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1
NodeName=photoreal2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1
PartitionName=all Nodes=photoreal1,photoreal2 Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why no Slurm can be started here, or ""."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        return f"needs Slurm ({', '.join(missing)} not found)"
    return "" if os.geteuid() == 0 else "a Slurm without munge needs root"


@dataclass
class Slurm:
    """A running controller with two nodes."""

    folder: Path
    dead: set[str] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def say(self, *command: object) -> str:
        done = subprocess.run(
            list(map(str, command)), env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kill_node(self, name: str) -> None:
        """As if its machine lost power: the daemon, its helpers and the jobs on it."""
        self.dead.add(name)
        numbers = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
        jobs = [pid for pid in numbers if _is_on(pid, name)]
        helpers = {parent for parent in map(_parent, jobs) if "slurmstepd" in _command(parent)}
        for pid in (self._pid(name), *helpers, *jobs):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        for name in (*NODES, "slurmctld"):
            if name not in self.dead:
                with contextlib.suppress(OSError, ValueError):
                    os.kill(self._pid(name), signal.SIGKILL)

    def _pid(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())


@contextmanager
def running_slurm(folder: Path) -> Iterator[Slurm]:
    """Raises RuntimeError with the reason when it does not come up."""
    for name in ("state", *NODES):
        (folder / name).mkdir(parents=True)
    text = CONFIGURATION.format(host=socket.gethostname().split(".")[0], folder=folder, ports=_free_ports(3))
    (folder / "slurm.conf").write_text(text)
    slurm = Slurm(folder)
    try:
        for command in (["slurmctld", "-i"], *(["slurmd", "-N", name] for name in NODES)):
            done = subprocess.run(
                command,
                env=slurm.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=60,
            )
            if done.returncode:
                raise RuntimeError(f"{command[0]} ends with {done.returncode}")
        deadline = time.monotonic() + START_SECONDS
        while _idle(slurm) < len(NODES):
            if time.monotonic() > deadline:
                raise RuntimeError("its nodes do not answer")
            time.sleep(0.3)
        yield slurm
    finally:
        slurm.stop()


def _idle(slurm: Slurm) -> int:
    done = subprocess.run(
        ["sinfo", "-h", "-N", "-o", "%t"], env=slurm.environment, capture_output=True, text=True
    )
    return done.stdout.split().count("idle")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _port in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _is_on(pid: int, node: str) -> bool:
    with contextlib.suppress(OSError):
        return f"SLURMD_NODENAME={node}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return 0


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""
