#!/bin/sh
# For cron: prints something only if something changed, so that cron's mail is the news.
#   17 5 * * *  /usr/local/bin/waxseal-daily
set -u
list=/etc/waxseal/domains.txt
folder=/var/lib/waxseal
new=$folder/new.json
last=$folder/last.json

if [ ! -s "$last" ]; then
    waxseal check --targets-file "$list" --evidence "$last" >/dev/null
    exit
fi

text=$(waxseal check --targets-file "$list" --baseline "$last" --only-new --evidence "$new" 2>&1)
code=$?
case $code in
# 0: nothing new that is severe. 1: something is.
0 | 1)
    case $text in
    *": changed since "*) printf '%s\n' "$text" ;;
    esac
    mv "$new" "$last"
    ;;
# 3: a target could not be tested. The last full picture stays what is compared with.
*) printf '%s\n' "$text" ;;
esac
exit "$code"
