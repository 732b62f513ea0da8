"""The same ground for every test, however the suite was started."""

import signal

from hypothesis import HealthCheck, settings

# Without timing: a busy machine must not turn a property red.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("project")

# A shell without job control starts background jobs deaf to Ctrl-C, and their children would be: tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
