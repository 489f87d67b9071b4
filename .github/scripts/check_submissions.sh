#!/usr/bin/env bash
# check_submissions.sh OUTPUT ARGUMENT...
# Runs `tinybench submit check ARGUMENT...` of the checkout that this script is in. OUTPUT gets report.json and summary.md;
# the summary of the job, too, if there is one. The exit code is that of the check.
set -euo pipefail

output=$1
shift
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkdir -p "$output"

# Names and texts of a submission get into the log: no line of them may be a command to the runner.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$token"
code=0
"$root/.venv/bin/tinybench" submit check "$@" \
    --report "$output/report.json" --markdown "$output/summary.md" || code=$?
echo "::$token::"

if [ ! -s "$output/summary.md" ]; then
    echo "The check itself failed with exit code $code: its log says why. Nothing is known about the submission." \
        > "$output/summary.md"
    [ "$code" != 0 ] || code=2
fi
if [ -n "${GITHUB_STEP_SUMMARY-}" ]; then
    cat "$output/summary.md" >> "$GITHUB_STEP_SUMMARY"
fi
exit "$code"
