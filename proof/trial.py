"""One case carried out: a run against a gateway with the defect, and which rows turned red."""

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from msgspec import Struct
from msgspec.structs import replace

from pytest_wdtts.errors import WdttsError
from pytest_wdtts.gate import Order, carry_out
from pytest_wdtts.verdict import Verdict

from .cases import CPS, DURATION_S, SESSIONS, Case

AT_ONCE = 2
TRIES = 3


class Trial(Struct, frozen=True):
    """What one run showed: verdict and observation of every row; `trouble` where there was no run."""

    defect: str
    arguments: str
    scenario: str
    verdicts: dict[str, str] = {}
    observed: dict[str, str] = {}
    trouble: str = ""

    @property
    def red(self) -> frozenset[str]:
        """The rows that failed."""
        return frozenset(row for row, verdict in self.verdicts.items() if verdict == Verdict.FAIL)

    @property
    def valid(self) -> bool:
        """Whether the run was evidence at all: on a machine too busy it is not, and blames nobody."""
        return not self.trouble and self.verdicts.get("run_valid") == Verdict.PASS


def run_order(order: Order, defect: str = "", arguments: str = "") -> Trial:
    """Carry one order out, again where the machine was too slow for it to be evidence."""
    trial = Trial(defect, arguments, order.scenario, trouble="not tried")
    for _ in range(TRIES):
        trial = run_once(order, defect, arguments)
        if trial.valid:
            break
    return trial


def order_of(case: Case, load: dict[str, object] | None = None) -> Order:
    """The run in which a defect is to be seen, with other load fields where given."""
    short: dict[str, object] = {"sessions": SESSIONS, "cps": CPS, "duration_s": DURATION_S}
    return Order(
        scenario=case.scenario,
        load=short | case.load | (load or {}),
        shares=case.shares,
        stack="embedded",
        defects=(case.request,),
    )


def try_case(case: Case, load: dict[str, object] | None = None) -> Trial:
    """Carry one case out."""
    return run_order(order_of(case, load), case.defect, case.arguments)


def try_all(cases: Iterable[Case], load: dict[str, object] | None = None) -> Iterator[tuple[Case, Trial]]:
    """Carry cases out, two at a time, each in a process of its own; yield them as they are done."""
    with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        waiting = {pool.submit(try_case, case, load): case for case in cases}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def run_once(order: Order, defect: str = "", arguments: str = "") -> Trial:
    """Carry one order out, once."""
    with tempfile.TemporaryDirectory(prefix="wdtts-proof-") as directory:
        try:
            rows = carry_out(replace(order, report_dir=directory)).report.rows
        except WdttsError as error:
            return Trial(defect, arguments, order.scenario, trouble=str(error))
    return Trial(
        defect,
        arguments,
        order.scenario,
        {row.id: row.verdict.value for row in rows},
        {row.id: row.observed for row in rows},
    )
