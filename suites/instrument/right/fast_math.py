"""Wrong: a C kernel compiled with -ffast-math, which flushes subnormals, and takes nothing to be infinite or NaN."""

from suites.instrument.right.compiled import Compiled as _Compiled


class FastMath(_Compiled):
    name = "wrong.fast_math"
    flags = ("-O3", "-march=native", "-ffast-math")
