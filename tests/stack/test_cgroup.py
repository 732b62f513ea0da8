"""What a container uses, read from the tree of either version, laid out as the kernel does."""

from pathlib import Path

from pytest_wdtts.stack import sample_container

TCP = """\
  sl  local_address rem_address   st
   0: 00000000:2328 00000000:0000 0A
   1: 0100007F:2328 0100007F:9C40 01
   2: 0100007F:2328 0100007F:9C41 06
"""


def process(tmp_path: Path, cgroup: str) -> Path:
    (tmp_path / "proc" / "7" / "net").mkdir(parents=True)
    (tmp_path / "proc" / "7" / "cgroup").write_text(cgroup)
    (tmp_path / "proc" / "7" / "net" / "tcp").write_text(TCP)
    (tmp_path / "proc" / "7" / "net" / "tcp6").write_text(TCP.splitlines()[0] + "\n")
    return tmp_path / "proc"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_version_1_has_a_tree_for_each_controller(tmp_path: Path) -> None:
    proc = process(tmp_path, "4:memory:/docker/a\n3:name=systemd:/x\n2:cpuacct:/docker/a\n1:cpu,net:/docker/a\n0::/\n")
    files = {
        "cpuacct/docker/a/cpuacct.usage": "2500000000\n",
        "cpu/docker/a/cpu.stat": "nr_periods 9\nnr_throttled 4\nthrottled_time 1500000000\n",
        "memory/docker/a/memory.stat": "cache 5\ntotal_rss 4096\n",
    }
    seen = sample_container("web", 7, 5, proc, write(tmp_path / "root", files))
    assert seen is not None
    assert (seen.at_ns, seen.service, seen.cpu_s, seen.throttled_s, seen.rss_bytes) == (5, "web", 2.5, 1.5, 4096)
    assert seen.sockets == 2, "the one in TIME_WAIT is nobody's any more"


def test_version_2_has_one_tree(tmp_path: Path) -> None:
    proc = process(tmp_path, "0::/system.slice/docker-a.scope\n")
    files = {
        "system.slice/docker-a.scope/cpu.stat": "usage_usec 2500000\nnr_throttled 4\nthrottled_usec 1500000\n",
        "system.slice/docker-a.scope/memory.stat": "anon 4096\nfile 5\n",
    }
    seen = sample_container("web", 7, 5, proc, write(tmp_path / "root", files))
    assert seen is not None
    assert (seen.cpu_s, seen.throttled_s, seen.rss_bytes, seen.sockets) == (2.5, 1.5, 4096, 2)


def test_what_cannot_be_seen_is_no_sample(tmp_path: Path) -> None:
    assert sample_container("web", 7, 0, tmp_path, tmp_path) is None
    proc = process(tmp_path, "0::/gone\n")
    assert sample_container("web", 7, 0, proc, tmp_path) is None
