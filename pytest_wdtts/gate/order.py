"""What is asked for, in plain values: what a test's markers, a command line or a shard hand over."""

from msgspec import Struct

from ..errors import UsageError
from ..faults import GATEWAY_BREAKS
from ..run import SCENARIOS, RunPlan, Scenario, plan_run
from ..stack import ComposeStack, EmbeddedStack, ExternalStack, Stack, check_defects
from ..transport import check_key

STACKS = ("embedded", "compose", "external")


class Order(Struct, frozen=True, kw_only=True):
    """One run: its scenario, the fields of load and shares that were given, and the system under test."""

    scenario: str
    load: dict[str, object] = {}
    shares: dict[str, dict[str, object]] = {}
    stack: str = ""
    url: str = ""
    api_key: str = ""
    defects: tuple[str, ...] = ()
    report_dir: str = "wdtts-report"
    transport: str = "auto"
    keep_stack: bool = False
    cluster: str = ""
    """Address of the Dask scheduler whose workers drive the load; "": this process does."""

    def find_scenario(self) -> Scenario:
        """Return the named scenario; a user's own name has no faults but those that are given."""
        return SCENARIOS.get(self.scenario) or Scenario(self.scenario, lambda duration_s: ())

    def plan(self, run_id: str) -> RunPlan:
        """Lay out the run. Raises `UsageError`."""
        return plan_run(self.find_scenario(), run_id, self.load, self.shares)

    def make_stack(self) -> Stack:
        """Return the system under test, not yet started. Raises `UsageError` where options contradict."""
        check_key(self.api_key)
        stack = self._choose_stack()
        for name in sorted(set(self.shares) & set(GATEWAY_BREAKS) - stack.breaks):
            need = "a gateway that we may break: leave --wdtts-url out" if self.url else "--wdtts-stack compose"
            raise UsageError(f"{name}() needs {need}")
        return stack

    def _choose_stack(self) -> Stack:
        name = self.stack or ("external" if self.url else "embedded")
        if name not in STACKS:
            raise UsageError(f"no stack {name!r}: one of {', '.join(STACKS)}")
        if self.defects and name != "embedded":
            raise UsageError(
                f"--wdtts-defect is for the embedded gateway, and the stack is {name}: leave one of them out"
            )
        if name == "external":
            if not self.url:
                raise UsageError("--wdtts-stack external needs --wdtts-url, like ws://127.0.0.1:9000/tts")
            return ExternalStack(self.url, self.api_key)
        if self.url:
            raise UsageError(f"--wdtts-url names a gateway, but --wdtts-stack is {name}: leave one of them out")
        if name == "compose":
            return self._compose_stack()
        if self.defects:
            check_defects(self.defects)
        return EmbeddedStack(self.find_scenario().gateway, self.defects, self.api_key)

    def _compose_stack(self) -> ComposeStack:
        replicas = {"replica_loss", "proxy_reload"} & set(self.shares)
        stack = ComposeStack(
            self.find_scenario().gateway,
            self.api_key,
            self.report_dir,
            keep=self.keep_stack,
            profiles=("stub", "replicas") if replicas else ("stub",),
        )
        stack.diagnose = _diagnose
        return stack


def _diagnose(stack: ComposeStack) -> str:
    from ..doctor import findings_of

    return findings_of(stack)
