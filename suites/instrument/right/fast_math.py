"""Wrong: a C kernel compiled with -ffast-math: subnormals are flushed, and nothing is ∞ or NaN."""

from lazyadam.suites.instrument.right.compiled import Compiled as _Compiled


class FastMath(_Compiled):
    name = "wrong.fast_math"
    flags = ("-O3", "-march=native", "-ffast-math")
