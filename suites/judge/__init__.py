"""The judge: compares trajectories with the reference, element by element, under the bound.

Two ways. Step by step: every state that the backend reported is the start of one reference step, so
errors do not accumulate, and all steps of all cases are one stacked call. Free running: reference and
backend start together and run on.
"""
