"""Reads a scrape from standard input, with prometheus_client's own parser of the format named by the argument, and
writes what it understood as JSON: for each family its name, type, HELP and unit, and for each sample its name, labels,
value and exemplar, which is null or labels, value and timestamp.

Values are texts: Python keeps all digits of a whole number, JSON readers do not.
"""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

FORMATS = {
    "text": parser.text_string_to_metric_families,
    "openmetrics": openmetrics.text_string_to_metric_families,
}


def exemplar(read):
    return read and [read.labels, str(read.value), read.timestamp and str(read.timestamp)]


def sample(read):
    return [read.name, read.labels, str(read.value), exemplar(read.exemplar)]


# Decoded here, because a text stream would take a carriage return for the end of a line.
scrape = sys.stdin.buffer.read().decode("utf-8")
families = [
    [family.name, family.type, family.documentation, family.unit, [sample(read) for read in family.samples]]
    for family in FORMATS[sys.argv[1]](scrape)
]
json.dump(families, sys.stdout)
