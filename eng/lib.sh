# For the scripts of this repository, to be sourced: steps that are counted, and say little unless they fail.
export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# A build node that outlives its script would hold the script's pipes open.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

passed=0 failed=0 skipped=0

# step NAME COMMAND...: runs the command; prints one line, and the end of its output when it fails.
step() {
    local name=$1 log start=$SECONDS; shift
    log=$(mktemp)
    if "$@" > "$log" 2>&1 < /dev/null; then
        passed=$((passed + 1)); echo "ok    $name ($((SECONDS - start)) s)"
    else
        failed=$((failed + 1)); echo "FAIL  $name ($((SECONDS - start)) s)"
        { grep -E ': (error|warning) [A-Z]+[0-9]*' "$log" || tail -15 "$log"; } | head -20
    fi
    rm -f "$log"
}

# skip NAME REASON: counts a step that this machine cannot run.
skip() { skipped=$((skipped + 1)); echo "skip  $1: $2"; }

# finish: the closing line, and the verdict.
finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    if ((failed)); then exit 1; fi
}
