"""Reads a scrape in text 0.0.4 from standard input with prometheus_client's parser, writes what it understood as JSON.

A list of families: [name, type, help, [[sample name, {label: value}, value as text], ...]].
"""

import json
import sys

from prometheus_client.parser import text_fd_to_metric_families

# newline="\n" keeps carriage returns: only a line feed ends a line of this format.
stdin = open(0, encoding="utf-8", newline="\n")
families = [
    [
        family.name,
        family.type,
        family.documentation,
        [[sample.name, sample.labels, repr(sample.value)] for sample in family.samples],
    ]
    for family in text_fd_to_metric_families(stdin)
]
json.dump(families, sys.stdout)
