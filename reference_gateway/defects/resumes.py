"""Defects of `resume`: doubled, lost and refused audio for clients that come back."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from pytest_wdtts.protocol import AudioChunk, Error, Resume, ServerMessage, StartAck, TtsEnd

from .chance import OfSessions, RemembersAudio
from .ends import FOR_EVER_S
from .seam import Pause, Step

BEYOND_ANYTHING_SENT = 2**40


@dataclass(kw_only=True)
class ResumeRepeats(OfSessions):
    """The replay begins `units` too early."""

    units: float = 12

    def resume(self, message: Resume) -> Resume:
        if not self.strikes(message.session_id):
            return message
        return replace(message, last_unit_index_received=max(-1, message.last_unit_index_received - int(self.units)))


class ResumeRepeatsAll(OfSessions):
    """The whole history of a live session is sent again."""

    def resume(self, message: Resume) -> Resume:
        return replace(message, last_unit_index_received=-1) if self.strikes(message.session_id) else message


class LosesAfterResume(OfSessions, abstract=True):
    """Chunks after a resume get lost: those whose place after it `loses` names."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._since_resume: dict[str, int] = {}

    def loses(self, place: int) -> bool:
        """Return whether the chunk at this place (0: the first) is lost."""
        raise NotImplementedError

    def resume(self, message: Resume) -> Resume:
        if self.strikes(message.session_id):
            self._since_resume[message.session_id] = 0
        return message

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if not isinstance(message, AudioChunk) or message.session_id not in self._since_resume:
            return (message,)
        place = self._since_resume[message.session_id]
        self._since_resume[message.session_id] += 1
        return () if self.loses(place) else (message,)


class ResumeSkips(LosesAfterResume):
    """The first chunk after a resume is lost."""

    def loses(self, place: int) -> bool:
        return place == 0


class ResumeGap(LosesAfterResume):
    """A replay has a gap in its middle, and no error says so."""

    def loses(self, place: int) -> bool:
        return place == 1


class ResumeRefused(OfSessions):
    """A resume of a live session gets `resume_not_available`, and the connection stays open."""

    def resume(self, message: Resume) -> Resume:
        struck = self.strikes(message.session_id)
        return replace(message, last_unit_index_received=BEYOND_ANYTHING_SENT) if struck else message

    def end(self, message: TtsEnd | Error) -> Sequence[Step]:
        if isinstance(message, Error) and self._chosen.get(message.session_id):
            return replace(message, code="resume_not_available", message="nothing to resume"), Pause(FOR_EVER_S)
        return (message,)


class ConnectionsShare(OfSessions):
    """A new connection leaves the old one standing, and every second chunk is meant for that one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._for_the_new: dict[str, bool] = {}

    def supersedes(self, session_id: str) -> bool:
        if self.strikes(session_id):
            self._for_the_new[session_id] = True
        return not self.strikes(session_id)

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if not isinstance(message, AudioChunk) or message.session_id not in self._for_the_new:
            return (message,)
        self._for_the_new[message.session_id] ^= True
        return (message,) if self._for_the_new[message.session_id] else ()


class AudioBeforeResume(RemembersAudio):
    """On a new connection the latest chunk is sent before the client has said what it has."""

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if isinstance(message, StartAck) and message.resumed and self.strikes(message.session_id):
            latest = self.latest.get(message.session_id)
            return (message, latest) if latest else (message,)
        return super().outgoing(message)


@dataclass(kw_only=True)
class UnitsUncounted(OfSessions):
    """`units_accepted` of a returning client is too low by `units`, so that text comes twice."""

    units: float = 3

    def outgoing(self, message: AudioChunk | ServerMessage) -> Sequence[Step]:
        if isinstance(message, StartAck) and message.units_accepted and self.strikes(message.session_id):
            return (replace(message, units_accepted=max(0, message.units_accepted - int(self.units))),)
        return (message,)
