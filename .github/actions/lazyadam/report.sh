# Findings as a summary and as JUnit; the page. Where nothing was judged there is nothing to tell.
set -uo pipefail
[ -f "$OUT/verdicts.csv" ] || exit 0
lazyadam summary --out "$OUT" >> "$GITHUB_STEP_SUMMARY"
lazyadam junit --out "$OUT"
lazyadam page --out "$OUT" || echo "::notice::the page lacks what was not run"
