#!/bin/sh
# Body on stdin; ID, TIMESTAMP and SIGNATURE hold the headers, SECRET is whsec_…. Writes the body if it is authentic.
set -eu
case $TIMESTAMP in "" | *[!0-9]*) echo "no timestamp" >&2; exit 1 ;; esac
age=$(($(date +%s) - TIMESTAMP))
[ "${age#-}" -le 300 ] || { echo "too old" >&2; exit 1; }
body=$(mktemp); trap 'rm -f "$body"' EXIT; cat > "$body"
key=$(printf %s "${SECRET#whsec_}" | base64 -d | od -An -vtx1 | tr -d ' \n')
expected=$({ printf %s. "$ID" "$TIMESTAMP"; cat "$body"; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
case " $SIGNATURE " in *" v1,$expected "*) cat "$body" ;; *) echo "not authentic" >&2; exit 1 ;; esac
