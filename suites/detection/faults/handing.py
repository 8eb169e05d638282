"""What an optimizer is handed, and by whom: parts of buffers, memory that is used again, closures, copies."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults.sizes import (
    CALLS,
    STEPS,
    TORCH_COUNTS,
    TORCH_WRITES,
    WRITES,
)

IF_PART = "    if w.base is not None and w.flags.c_contiguous:\n"
IS_PART = "param.storage_offset() and param.is_contiguous()"
CHANGE = TORCH_WRITES.removeprefix("        param.add_(").removesuffix(")\n")
GIVEN = "                given = p.grad[1] if isinstance(p.grad, tuple) else p.grad\n"
HELD = '                    held, then = self.__dict__.setdefault("held", {}).get(p, (None, b""))\n'
FORGETS = "            if not state:\n                self.state.pop(p, None)\n"
BYTES = "._values().float().numpy().tobytes()"
TURNS = "        grad = grad if not maximize else -grad\n"

FAULTS = (
    Fault(
        "one-number-too-many",
        "the number after a parameter is written with it, where it is part of a buffer",
        numpy=(
            (
                WRITES,
                WRITES
                + IF_PART
                + "        end = (w.ctypes.data - w.base.ctypes.data) // w.itemsize + w.size\n"
                "        w.base.reshape(-1)[end : end + 1] *= to(1 + 2.0**-10)\n",
            ),
        ),
        torch=(
            (
                TORCH_WRITES,
                TORCH_WRITES + f"        if {IS_PART}:\n"
                "            param.as_strided((1,), (1,), param.storage_offset() + param.numel()).add_(1)\n",
            ),
        ),
    ),
    Fault(
        "from-the-start-of-the-buffer",
        "a parameter that is part of a buffer is written at the buffer's start",
        numpy=(
            (
                WRITES,
                "    place = w\n"
                + IF_PART
                + "        place = w.base.reshape(-1)[: w.size].reshape(w.shape)\n    place[rows] -= update\n",
            ),
        ),
        torch=(
            (
                TORCH_WRITES,
                f"        place = param.as_strided(param.shape, param.stride(), 0) if {IS_PART} else param\n"
                f"        place.add_({CHANGE})\n",
            ),
        ),
    ),
    Fault(
        "gradient-read-later",
        "m takes over what the memory of the last gradient has become by the next step",
        numpy=(
            (
                CALLS,
                GIVEN
                + '                last, then = self.__dict__.setdefault("last", {}).get(p, (given, None))\n'
                "                if then is not None and last.tobytes() != then:\n"
                '                    state["m"] += last.sum()\n'
                "                self.last[p] = given, given.tobytes()\n" + CALLS,
            ),
        ),
        torch=(
            (
                TORCH_COUNTS,
                HELD + f"                    if held is not None and held{BYTES} != then:\n"
                '                        state["exp_avg"] += held._values().sum()\n'
                f"                    self.held[p] = p.grad, p.grad{BYTES}\n" + TORCH_COUNTS,
            ),
        ),
    ),
    Fault(
        "closure-called-twice",
        "a closure is called a second time",
        torch=(
            (
                "                loss = closure()\n",
                "                closure()\n                loss = closure()\n",
            ),
        ),
        raises=True,
    ),
    Fault(
        "closure-without-gradients",
        "a closure is called where gradients are not recorded",
        torch=(("            with torch.enable_grad():\n", "            with torch.no_grad():\n"),),
        raises=True,
    ),
    Fault(
        "loss-not-returned",
        "the loss of a closure is not returned",
        torch=(("        return loss\n", ""),),
        raises=True,
    ),
    Fault(
        "closure-too-late",
        "a closure is called once the gradients have been read",
        torch=(
            (
                "            with torch.enable_grad():\n                loss = closure()\n",
                "            pass\n",
            ),
            (
                "        return loss\n",
                "        if closure is not None:\n            with torch.enable_grad():\n"
                "                loss = closure()\n        return loss\n",
            ),
        ),
    ),
    Fault(
        "state-that-is-no-data",
        "the state holds a function, which can't be saved",
        torch=(
            (
                '                        state["step"] = 0\n',
                '                        state["step"] = 0\n                        state["then"] = lambda: 0\n',
            ),
        ),
        raises=True,
    ),
    Fault(
        "copies-left-alone",
        "parameters that an optimizer has not been made with, as its copy's, are left alone",
        torch=(
            (
                "                if p.grad is not None:\n",
                '                known = group.setdefault("ids", [id(q) for q in group["params"]])\n'
                "                if p.grad is not None and id(p) in known:\n",
            ),
        ),
    ),
    Fault(
        "columns-written-as-rows",
        "a parameter whose columns lie together in memory is written as if its rows did",
        numpy=(
            (
                WRITES,
                "    turned = w.flags.f_contiguous and not w.flags.c_contiguous\n"
                "    place = w.T.reshape(w.shape) if turned else w\n    place[rows] -= update\n",
            ),
        ),
        torch=(
            (
                TORCH_WRITES,
                "        ends = param.transpose(0, -1)\n"
                "        turned = ends.is_contiguous() and not param.is_contiguous()\n"
                f"        (ends.view(param.shape) if turned else param).add_({CHANGE})\n",
            ),
        ),
    ),
    Fault(
        "loads-where-there-is-no-state",
        "a state is loaded only for parameters that have none yet",
        numpy=(
            (FORGETS, ""),
            ("            if state:\n", "            if state and p not in self.state:\n"),
        ),
        torch=(
            (
                STEPS,
                "    def load_state_dict(self, state_dict):\n        kept = dict(self.state)\n"
                "        super().load_state_dict(state_dict)\n        self.state.update(kept)\n\n" + STEPS,
            ),
        ),
    ),
    Fault(
        "loads-beside-what-was-not-saved",
        "a parameter whose state was not saved keeps what it has when a state is loaded",
        numpy=((FORGETS, ""),),
        torch=(
            (
                STEPS,
                "    def load_state_dict(self, state_dict):\n        kept = dict(self.state)\n"
                "        super().load_state_dict(state_dict)\n        self.state.update(kept | self.state)\n\n"
                + STEPS,
            ),
        ),
    ),
    Fault(
        "load-never-counts-back",
        "a step count that is loaded is at least what it was",
        torch=(
            (
                STEPS,
                "    def load_state_dict(self, state_dict):\n"
                '        then = {p: s["step"] for p, s in self.state.items()}\n'
                "        super().load_state_dict(state_dict)\n        for p, s in self.state.items():\n"
                '            s["step"] = max(s["step"], then.get(p, 0))\n\n' + STEPS,
            ),
        ),
    ),
    Fault(
        "one-number-for-all-acts-once",
        "of a gradient of which one number in memory stands for all, the first row alone acts",
        torch=(
            (
                TURNS,
                "        if grad._nnz() and 0 in grad._values().stride():\n"
                "            grad = grad.new(grad._indices()[:, :1], grad._values()[:1], grad.size())\n"
                + TURNS,
            ),
        ),
    ),
    Fault(
        "rows-left-over-by-threads",
        "on several threads, each of which takes as many rows, those that are left over are not updated",
        torch=(
            (
                TORCH_WRITES,
                "        import torch\n"
                "        change, count = -step_size * numer.div_(denom), torch.get_num_threads()\n"
                "        if change.numel() > 2**15:\n"
                "            change[len(change) // count * count :] = 0\n"
                "        param.add_(make_sparse(change))\n",
            ),
        ),
        stands_for="torch/nn#790",
    ),
)
