#!/bin/sh
# The program that `tachograph webhook` runs in the tests. What it does depends on the alert that it reads.
set -eu
folder=${RESPOND_FOLDER:?}
case ${TACHOGRAPH_WEBHOOK_TOKEN-none}${TACHOGRAPH_TOKEN-none} in
nonenone) ;;
*) echo "it knows the token" >&2 && exit 1 ;;
esac
alert=$(cat)
printf '%s\n' "$alert" >>"$folder/alerts"
case $alert in
*'"alertname":"Fails"'*)
    echo "first line" >&2
    echo "the disk is full" >&2
    exit 3
    ;;
*'"alertname":"Hangs"'*)
    sleep 600 &
    echo $! >"$folder/sleeper"
    wait
    ;;
*'"alertname":"Leaves"'*)
    # It holds standard error, and in the group of this script.
    sleep 600 &
    echo $! >"$folder/sleeper"
    echo "left behind" >&2
    ;;
*'"alertname":"Waits"'*)
    until [ -e "$folder/go" ]; do sleep 0.05; done
    ;;
esac
