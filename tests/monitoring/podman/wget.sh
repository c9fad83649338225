#!/bin/sh
# Stands in for busybox's wget: succeeds if the URL, which comes last, is answered with 200.
for url; do :; done
address=${url#http://}
path=/${address#*/}
address=${address%%/*}
# A connection that is closed on one side may be closed on the other without an answer.
{ printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$path" "$address" && sleep 1; } |
    nc -w 2 "${address%:*}" "${address#*:}" | head -n 1 | grep -q ' 200 '
