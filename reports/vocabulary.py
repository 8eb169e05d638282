"""The words that stand in tables, and what each means.

Workers read this too, in whatever Python they run: 3.10 has no StrEnum.
"""

from enum import Enum


class Word(str, Enum):  # noqa: UP042
    """A word of a table: a text like any other, with a meaning."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "Word":
        word = str.__new__(cls, value)
        word._value_, word.meaning = value, meaning
        return word

    __str__ = str.__str__


class Verdict(Word):
    """What came of a clause on a backend."""

    CONFORMS = "conforms", "every element of every case is within its bound"
    DIVERGES = "diverges", "an element is beyond its bound, a step count or an untouched row is wrong"
    REFUSES = "refuses", "the backend raised an error"
    DIES = "dies", "the process of the backend ended"
    HANGS = "hangs", "the backend gave no answer in the time that a case may take"
    NOT_RUN = "not run", "the framework, the device or the interpreter is not there"


FAILING = (Verdict.DIVERGES, Verdict.DIES, Verdict.HANGS, Verdict.REFUSES)
LOST = (Verdict.DIES, Verdict.HANGS)  # the process is gone, or has to be


class Outcome(Word):
    """What came of bad input."""

    REFUSES = "refuses", "it raised an error"
    IGNORES = "ignores", "it raised no error, and nothing changed"
    ACCEPTS = "accepts", "it took the step"
    DIES = "dies", "its process ended"
    HANGS = "hangs", "it gave no answer in time"
    NOT_RUN = "not run", "it was not tried: the framework or the device is not there"


class StateAfter(Word):
    """What bad input leaves."""

    UNTOUCHED = "untouched", "w, m and v are as before, bit for bit"
    PARTLY_WRITTEN = (
        "partly written",
        "it raised and yet something changed, or rows changed that the gradient does not name",
    )
    NON_FINITE = "non-finite", "an infinity or a NaN is in w, m or v"
    UPDATED = "updated", "the rows of the gradient changed, and no others"


class Against(Word):
    """What a backend is judged against."""

    DOCUMENTED = "documented", "is it what its documentation says, or what a file of your own declares?"
    REFERENCE = "reference", "is it LazyAdam, whatever its documentation says?"
    EXPLAINED = (
        "explained",
        "is it what its source code says? Only where that is neither of the two; beyond this is new",
    )


class Kind(Word):
    """The kind of a finding."""

    NEW = "new", "nothing that is known accounts for it: it fails a run"
    KNOWN = "known", "pins account for it"
    DOCUMENTED = (
        "documented",
        "it differs from LazyAdam as its documentation says, or in what it does not claim to take",
    )


class Agreement(Word):
    """Of what is documented and what was observed."""

    YES = "yes", "the backend was seen to speak what is documented"
    NO = "no", "it was seen to speak something else"
    UNDECIDED = "undecided", "more than one value fits what was seen"


class Alike(Word):
    """Of what came out of the same cases in two runs, on two devices or machines."""

    BITS = "same bits", "every bit is the same"
    BOUND = "within the bound", "both are within their bound"
    APART = "apart", "one of the two is within its bound"
    NEITHER = "neither", "neither of the two is within its bound"


class FailureKind(Word):
    """The kind of a failed test."""

    NOT_KNOWN = "not known", "a divergence that no pin accounts for"
    FAILED = "failed", "a test that failed for another reason"


class Claimed(Word):
    """What came of a claim; a reason may follow."""

    CONFIRMED = "confirmed", "what was run bears the claim out"
    REFUTED = "refuted", "something that was run contradicts the claim"
    CANT_BE_DECIDED = "can't be decided", "the device that it speaks of is not here, or no run can tell"


class Speed(Word):
    """What the gate says of a changed backend."""

    SLOWER = "slower", "the candidate is slower by more than 10 % and than the A/A pair shows, significantly"
    NOT_SLOWER = "not slower", "a slowdown of 10 % can be excluded"
    CANT_TELL = "can't tell", "neither: the machine is too busy, or the A/A pair is too far apart"
