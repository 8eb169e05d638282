# Fails where the run got worse than the accepted one, differs, or lacks something.
set -uo pipefail
lazyadam gate --out "$OUT" --baseline "$BASELINE" | tee -a "$GITHUB_STEP_SUMMARY"
