"""What a plain v1 gateway is asked for: part 1 of the contract, and nothing that part 2 adds."""

from msgspec.structs import replace

from .expected import Closed, Either, Ends, Expected, Refused

PLAIN_V1 = "a plain v1 gateway (start_ack of a live session adds neither resumed nor units_accepted): left open to it"


def of_plain_v1(expected: Expected) -> Expected:
    """The same without what part 2 adds: fields of `start_ack`, the name of the wrong field, the error before 1009."""
    match expected:
        case Ends():
            return replace(expected, resumed=False, units_accepted=None)
        case Refused():
            return Either((replace(expected, names=""), Closed(codes=(1009,))))
        case Either():
            return Either(tuple(of_plain_v1(one) for one in expected.of))
    return expected
