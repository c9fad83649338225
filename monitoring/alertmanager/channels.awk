# Leaves out of alertmanager.yml the channels that have no secret:
#
#   awk -v folder=/etc/alertmanager -f channels.awk alertmanager.yml
#
# `folder` is where secrets/ lies. A file that is empty is no secret. Which channels are on is said on standard error. A
# secret that ends with a newline is refused: Alertmanager 0.25 sends that of Opsgenie along, and no message leaves. Any awk
# will do: in the image it is that of busybox.

function fail(what) {
    print "error: alertmanager.yml, line " NR ": " what | "cat 1>&2"
    failed = 1
    exit 1
}

BEGIN {
    if (folder == "") {
        print "error: say where secrets/ lies: awk -v folder=FOLDER -f channels.awk alertmanager.yml" | "cat 1>&2"
        failed = 1
        exit 1
    }
}

$1 == "#" && $2 == "channel:" {
    if (inside) fail("a channel begins within channel " inside)
    if (NF != 4) fail("a channel begins as in '# channel: slack secrets/slack_api_url'")
    inside = $3
    secret = folder "/" $4
    # Mawk ends at its first read without saying which.
    if (system("test -d '" secret "'") == 0) fail(secret " is a folder, and no secret")
    lines = RS
    RS = "\001"
    got = (getline text < secret)
    kept = got > 0
    RS = lines
    close(secret)
    # A pager that is silently off is worse than no Alertmanager.
    if (got < 0 && system("test -e '" secret "'") == 0) fail(secret " is there and cannot be read: see secrets/README.md")
    if (kept && text ~ /[\r\n]/) fail("there is a newline in " secret ": write it by printf %s SECRET >FILE")
    if (!(inside in told)) {
        told[inside] = 1
        print "channel " inside ": " (kept ? "on" : "off, there is no secret in " $4) | "cat 1>&2"
    }
    next
}

$1 == "#" && $2 == "end" && $3 == "of" && $4 == "channel" {
    if (!inside) fail("a channel ends, and none has begun")
    inside = ""
    next
}

!inside || kept

END {
    if (!failed && inside) fail("channel " inside " does not end")
    close("cat 1>&2")
}
