#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh [BUILD]
#
# A day of a made-up shop goes to a collector on this machine, in the three ways
# that events come in real life: from a service through libdatalyr, and through
# `datalyr import` from a log and from another system's export. Then one
# customer's journey is read back. Everything is in a temporary folder and gone
# afterwards; nothing but a free loopback port is used. The last line says what
# became of all events.
set -u
build=${1:-build}
cd "$(dirname "$0")/.." || exit 1
folder=
collector=

# shellcheck disable=SC2317 # called by trap
clean_up() {
    [ -z "$collector" ] || { kill "$collector" && wait "$collector"; } 2>/dev/null
    [ -z "$folder" ] || rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    printf 'demo: %s\n' "$1" >&2
    for log in "$folder"/*.err; do
        [ ! -s "$log" ] || { printf -- '-- %s\n' "${log##*/}" && cat "$log"; } >&2
    done
    exit 1
}

say() {
    printf '\n%s\n' "$*"
}

# Settings of whoever runs this would lead the events elsewhere.
for name in $(env | sed -n 's/^\(DATALYR_[A-Z_]*\)=.*/\1/p'); do
    unset "$name"
done

for program in bin/datalyrd bin/datalyr examples/shop_day examples/journey; do
    [ -x "$build/$program" ] || fail "$build/$program is not built; try: make demo"
done
folder=$(mktemp -d "${TMPDIR:-/tmp}/datalyr-demo-XXXXXX") || exit 1

# ------------------------------------------------------------ a collector

"$build/bin/datalyrd" --listen 127.0.0.1:0 --store "sqlite:$folder/shop.db" \
    >"$folder/datalyrd.out" 2>"$folder/datalyrd.err" &
collector=$!
tries=0
until grep -q '^key:' "$folder/datalyrd.out"; do
    tries=$((tries + 1))
    kill -0 "$collector" 2>/dev/null || fail "the collector did not start"
    [ "$tries" -le 100 ] || fail "the collector is not ready after 10 seconds"
    sleep 0.1
done
address=$(sed -n 's/.* listening on //p' "$folder/datalyrd.out")
# It made itself a key and put it into a file that only we can read.
key_file=$(sed -n 's/^key: *//p' "$folder/datalyrd.out")
DATALYR_HOST=$address/track
DATALYR_API_KEY=$(cat "$key_file") || fail "the collector's key cannot be read"
export DATALYR_HOST DATALYR_API_KEY

# ------------------------------------------------------- a day of events

say "A collector ($build/bin/datalyrd) listens on $address."

say "1. The shop's backend reports its day through libdatalyr (examples/shop_day.c):"
"$build/examples/shop_day" --log "$folder/night.ndjson" \
    --orders "$folder/orders.csv" >"$folder/1" 2>"$folder/shop_day.err" ||
    fail "shop_day failed"
cat "$folder/1"

say "2. The night's page views come from the web server's log:"
echo "   datalyr import night.ndjson"
"$build/bin/datalyr" import "$folder/night.ndjson" \
    >"$folder/2" 2>"$folder/import.err" || fail "the first import failed"
tail -n 1 "$folder/2"

say "3. The orders come from the order system's export:"
echo "   datalyr import orders.csv --map event==purchase --map user_id=customer \\"
echo "       --map timestamp=placed_at --map properties.revenue=quantity*price"
"$build/bin/datalyr" import "$folder/orders.csv" \
    --map event==purchase --map user_id=customer --map timestamp=placed_at \
    --map 'properties.revenue=quantity*price' \
    >"$folder/3" 2>"$folder/import.err" || fail "the second import failed"
tail -n 1 "$folder/3"

# ------------------------------------------------------------ and the proof

say "Who was that? The first half was anonymous, the second signed in:"
echo
customer=$("$build/examples/shop_day" --story 2>"$folder/story.err") ||
    fail "there is no customer to follow"
"$build/examples/journey" "$address" "$customer" \
    2>"$folder/journey.err" || fail "the journey could not be read"

stored=$(curl -sS --noproxy '*' "$address/api/v1/stats" 2>"$folder/curl.err" |
    sed -n 's/.*"events":\([0-9]*\).*/\1/p')
total=$(tail -qn 1 "$folder/1" "$folder/2" "$folder/3" | tr ' =' '\n ' | awk '
    { sum[$1] += $2 }
    END {
        count = split("accepted delivered dropped pending rejected duplicates",
                      name, " ")
        for (i = 1; i <= count; i++)
            printf "%s=%d ", name[i], sum[name[i]]
        rate = sum["seconds"] == 0 ? 0 : sum["delivered"] / sum["seconds"]
        printf "seconds=%.3f events_per_second=%.0f\n", sum["seconds"], rate
    }')

say "To keep a collector: $build/bin/datalyrd --store sqlite:shop.db"
echo "It prints a key and what to do with it; its page is http://127.0.0.1:8484/"
say "The collector holds ${stored:-no} events, taken at ${total##*=} a second. In all:"
echo "$total"
case $total in
accepted="$stored delivered=$stored dropped=0 pending=0 "*) ;;
*) fail "the collector does not hold what was delivered" ;;
esac
