"""Whether this process may open as many files as its sessions need sockets, before it opens the first."""

from ..errors import UsageError

SPARE_FILES = 64
"""What a run holds open besides its sessions: journal, event loop, sampler, probes, pytest's own."""


def need_files(sessions: int) -> None:
    """Raise the soft limit as far as needed. Raises `UsageError` that says what to raise where that is not allowed."""
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    needed = sessions + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise UsageError(
            f"{sessions} sessions need {needed} open files, the limit is {hard}: raise it with `ulimit -Hn {needed}` "
            "(as root) or LimitNOFILE= of the service, spread the sessions with -n, or ask for fewer sessions"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
