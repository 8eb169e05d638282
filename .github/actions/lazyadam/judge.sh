# What diverges and is not known fails the job; where there is an accepted run, the gate says whether it did then.
set -uo pipefail
status=0
# shellcheck disable=SC2086 # several targets and arguments are meant
lazyadam ${TARGET:+check} ${TARGET:-report} --out "$OUT" $ARGUMENTS || status=$?
if [ "$status" = 1 ] && [ -n "$BASELINE" ]; then
    echo "::warning::it diverges; the gate says whether it did in the accepted run"
    status=0
fi
exit "$status"
