"""Step counts, and what is saved and loaded."""

from lazyadam.suites.detection.fault import Fault

_LIVE = "torch's own optimizers hand out live tensors when they save, and take them over when they load"

FAULTS = (
    Fault(
        "hoisted-step-count",
        "the step count of the first parameter of the group is used in the bias correction of all its parameters",
        numpy=(
            (
                '        for group in self.groups:\n            for p in group["params"]:\n                if p.grad is None:\n',
                '        for group in self.groups:\n            t = 0\n            for p in group["params"]:\n                if p.grad is None:\n',
            ),
            (
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
                '                t = t or state["step"]\n                lazy_adam(p.data, state["m"], state["v"], p.grad, t, group)',
            ),
        ),
        torch=(("        step = state_steps[i]\n", "        step = state_steps[0]\n"),),
    ),
    Fault(
        "empty-gradient-not-a-step",
        "a step whose gradient has no rows does not advance the step count of the parameter",
        numpy=(
            (
                '                state["step"] += 1\n',
                '                if isinstance(p.grad, tuple) and len(p.grad[0]) == 0:\n                    continue\n                state["step"] += 1\n',
            ),
        ),
        torch=(
            (
                '                    state["step"] += 1\n',
                '                    state["step"] += p.grad._nnz() > 0\n',
            ),
        ),
    ),
    Fault(
        "correction-table-of-4096",
        "bias corrections come from a table of 4096 steps, whose last entry is used from then on",
        numpy=(("    correction2 = 1 - beta2**t\n", "    correction2 = 1 - beta2 ** min(t, 4096)\n"),),
        torch=(
            (
                "        bias_correction2 = 1 - beta2**step\n",
                "        bias_correction2 = 1 - beta2 ** min(step, 4096)\n",
            ),
        ),
    ),
    Fault(
        "power-by-single-exp-log",
        "beta2^t is computed as exp(t log beta2) in single precision, also for the first steps, where it cancels",
        numpy=(
            (
                "    correction2 = 1 - beta2**t\n",
                "    correction2 = float(1 - np.exp(np.float32(t) * np.log(np.float32(beta2 or 1e-30))))\n",
            ),
        ),
        torch=(
            (
                "        bias_correction2 = 1 - beta2**step\n",
                "        import torch\n        bias_correction2 = float(1 - torch.exp(step * torch.log(torch.tensor(beta2 or 1e-30, dtype=torch.float32))))\n",
            ),
        ),
    ),
    Fault(
        "step-saved-in-half",
        "the saved step count passes through half precision: odd counts above 2048 are rounded",
        numpy=(
            (
                "            {key: np.copy(x) for key, x in self.state.get(p, {}).items()}\n",
                '            {key: np.float16(min(x, 60_000)) if key == "step" else np.copy(x) for key, x in self.state.get(p, {}).items()}\n',
            ),
        ),
        torch=(
            (
                "    @torch.no_grad()\n",
                '    def load_state_dict(self, state_dict):\n        super().load_state_dict(state_dict)\n        for state in self.state.values():\n            state["step"] = int(torch.tensor(min(state["step"], 60_000), dtype=torch.float16))\n\n    @torch.no_grad()\n',
            ),
        ),
    ),
    Fault(
        "load-one-step-for-all",
        "loading gives every parameter the step count of the first one that has a state",
        numpy=(
            (
                'self.state[p] = {"step": int(state["step"]), "m": state["m"].copy(), "v": state["v"].copy()}',
                'self.state[p] = {"step": int(next(s["step"] for s in saved if s)), "m": state["m"].copy(), "v": state["v"].copy()}',
            ),
        ),
        torch=(
            (
                "    @torch.no_grad()\n",
                '    def load_state_dict(self, state_dict):\n        super().load_state_dict(state_dict)\n        steps = [s["step"] for _, s in sorted(state_dict["state"].items())]\n        for state in self.state.values():\n            state["step"] = steps[0]\n\n    @torch.no_grad()\n',
            ),
        ),
    ),
    Fault(
        "load-moments-in-single",
        "moments of float64 parameters are rounded to float32 when a state is loaded",
        numpy=(
            (
                'self.state[p] = {"step": int(state["step"]), "m": state["m"].copy(), "v": state["v"].copy()}',
                'self.state[p] = {"step": int(state["step"]), "m": state["m"].astype(np.float32).astype(p.data.dtype), "v": state["v"].astype(np.float32).astype(p.data.dtype)}',
            ),
        ),
        torch=(
            (
                "    @torch.no_grad()\n",
                '    def load_state_dict(self, state_dict):\n        super().load_state_dict(state_dict)\n        for p, state in self.state.items():\n            for key in ("exp_avg", "exp_avg_sq"):\n                state[key] = state[key].float().to(p.dtype)\n\n    @torch.no_grad()\n',
            ),
        ),
        dtype="float64",
    ),
    Fault(
        "load-without-copy",
        "load_state_dict keeps the loaded arrays: two optimizers loaded from one saved state share their moments",
        numpy=(
            (
                'self.state[p] = {"step": int(state["step"]), "m": state["m"].copy(), "v": state["v"].copy()}',
                'self.state[p] = {"step": int(state["step"]), "m": state["m"], "v": state["v"]}',
            ),
        ),
        allowed=_LIVE,
    ),
    Fault(
        "save-without-copy",
        "state_dict hands out the live arrays: a saved state changes while training goes on",
        numpy=(
            (
                "            {key: np.copy(x) for key, x in self.state.get(p, {}).items()}\n",
                "            {key: np.asarray(x) for key, x in self.state.get(p, {}).items()}\n",
            ),
        ),
        allowed=_LIVE,
    ),
    Fault(
        "save-in-order-of-first-step",
        "state_dict lists the parameters in the order of their first gradients, not in the order of the groups",
        numpy=(
            (
                '            {key: np.copy(x) for key, x in self.state.get(p, {}).items()}\n            for group in self.groups\n            for p in group["params"]\n        ]\n',
                '            {key: np.copy(x) for key, x in self.state.get(p, {}).items()}\n            for p in dict.fromkeys([*self.state, *(p for group in self.groups for p in group["params"])])\n        ]\n',
            ),
            ("            if state:\n", '            if state and state["m"].shape == p.data.shape:\n'),
        ),
    ),
    Fault(
        "correction-counts-own-steps",
        "the bias correction counts the steps this optimizer object took; the loaded step count is not used",
        numpy=(
            (
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
                '                own = self.__dict__.setdefault("own", {})\n                own[p] = own.get(p, 0) + 1\n                lazy_adam(p.data, state["m"], state["v"], p.grad, own[p], group)',
            ),
        ),
        torch=(
            (
                '                    state_steps.append(state["step"])\n',
                '                    own = self.__dict__.setdefault("_own", {})\n                    own[p] = own.get(p, 0) + 1\n                    state_steps.append(own[p])\n',
            ),
        ),
    ),
    Fault(
        "no-gradient-advances-step",
        "a parameter that has a state but whose gradient is None still advances its step count",
        numpy=(
            (
                "                if p.grad is None:\n",
                '                if p.grad is None and p in self.state:\n                    self.state[p]["step"] += 1\n                if p.grad is None:\n',
            ),
        ),
        torch=(
            (
                "                if p.grad is not None:\n",
                '                if p.grad is None and len(self.state.get(p, ())):\n                    self.state[p]["step"] += 1\n                if p.grad is not None:\n',
            ),
        ),
    ),
    Fault(
        "per-row-step-count",
        "bias corrections use how often the row was touched instead of the step count of the parameter",
        numpy=(
            (
                "    correction1 = 1 - beta1**t\n",
                '    touched = group.setdefault(("touched", id(m)), np.full(len(w), t - 1))\n    touched[rows] += 1\n    t = touched[rows].reshape(-1, *[1] * (w.ndim - 1))\n    correction1 = 1 - beta1**t\n',
            ),
            (
                "    alpha = lr * math.sqrt(correction2) / correction1\n",
                "    alpha = lr * np.sqrt(correction2) / correction1\n",
            ),
        ),
        torch=(
            (
                "        bias_correction1 = 1 - beta1**step\n",
                '        import torch\n        if not hasattr(exp_avg, "touched"):\n            exp_avg.touched = torch.full((len(param),), step - 1, dtype=torch.float64)\n        exp_avg.touched[grad_indices[0]] += 1\n        step = exp_avg.touched[grad_indices[0]].reshape(-1, *[1] * (param.dim() - 1))\n        bias_correction1 = 1 - beta1**step\n',
            ),
            (
                "        step_size = lr * math.sqrt(bias_correction2) / bias_correction1\n",
                "        step_size = (lr * bias_correction2.sqrt() / bias_correction1).to(param.dtype)\n",
            ),
        ),
    ),
)
