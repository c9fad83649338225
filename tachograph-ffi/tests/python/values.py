"""Loads the shared library as any program could, by ctypes, and checks what it says."""

import ctypes
import sys


class Str(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("len", ctypes.c_size_t)]


def text(of):
    of = of if isinstance(of, bytes) else of.encode()
    return Str(of, len(of))


class Buckets(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("bounds", ctypes.POINTER(ctypes.c_double)),
        ("count", ctypes.c_size_t),
        ("unit", ctypes.c_uint32),
        ("resolution", ctypes.c_uint32),
        ("highest_trackable", ctypes.c_uint64),
    ]


library = ctypes.CDLL(sys.argv[1])
handle = ctypes.c_void_p


def function(name, result, *arguments):
    found = getattr(library, "tachograph_" + name)
    found.restype, found.argtypes = result, arguments
    return found


registry_new = function("registry_new", handle)
registry_free = function("registry_free", None, handle)
render = function("registry_render", handle, handle, Str, Str)
data = function("body_data", ctypes.POINTER(ctypes.c_ubyte), handle)
length = function("body_len", ctypes.c_size_t, handle)
body_free = function("body_free", None, handle)
gauge_new = function("gauge_new", handle, handle, Str, Str)
gauge_set = function("gauge_set", None, handle, ctypes.c_double)
gauge_inc_by = function("gauge_inc_by", None, handle, ctypes.c_double)
gauge_value = function("gauge_value", ctypes.c_double, handle)
gauge_free = function("gauge_free", None, handle)
family_new = function(
    "histogram_family_new", handle, handle, Str, Str, ctypes.POINTER(Str), ctypes.c_size_t, ctypes.POINTER(Buckets), handle
)
family_handle = function("histogram_family_handle", handle, handle, ctypes.POINTER(Str), ctypes.c_size_t)
family_free = function("histogram_family_free", None, handle)
observe = function("histogram_observe", None, handle, ctypes.c_uint64)
observe_f64 = function("histogram_observe_f64", None, handle, ctypes.c_double)
count = function("histogram_count", ctypes.c_uint64, handle)
total = function("histogram_sum", ctypes.c_double, handle)
histogram_free = function("histogram_free", None, handle)
last_status = function("last_status", ctypes.c_int32)

registry = registry_new()
depth = gauge_new(registry, text("queue_depth"), text("Jobs waiting."))
gauge_set(depth, 2.5)
gauge_inc_by(depth, -1.0)
assert gauge_value(depth) == 1.5

bounds = (ctypes.c_double * 2)(0.005, 0.1)
buckets = Buckets(ctypes.sizeof(Buckets), bounds, 2, 0, 2, 0)
labels = (Str * 1)(text("queue"))
waits = family_new(registry, text("wait_seconds"), text("Waits, of Köln."), labels, 1, buckets, None)
mail = family_handle(waits, (Str * 1)(text(b"mail\xff")), 1)
observe(mail, 5_000_000)
observe_f64(mail, 0.25)
assert (count(mail), total(mail)) == (2, 0.255)

buckets.size -= 1
assert family_new(registry, text("others_seconds"), text(""), labels, 1, buckets, None) is None
assert last_status() == 3
assert gauge_new(registry, text(b"\xff"), text("")) is None
assert last_status() == 2

body = render(registry, text("text/plain"), text(""))
scrape = bytes(data(body)[: length(body)]).decode()
body_free(body)
assert scrape == (
    "# HELP queue_depth Jobs waiting.\n# TYPE queue_depth gauge\nqueue_depth 1.5\n"
    "# HELP wait_seconds Waits, of Köln.\n# TYPE wait_seconds histogram\n"
    'wait_seconds_bucket{queue="mail\ufffd",le="0.005"} 1\n'
    'wait_seconds_bucket{queue="mail\ufffd",le="0.1"} 1\n'
    'wait_seconds_bucket{queue="mail\ufffd",le="+Inf"} 2\n'
    'wait_seconds_sum{queue="mail\ufffd"} 0.255\n'
    'wait_seconds_count{queue="mail\ufffd"} 2\n'
), scrape

histogram_free(mail)
family_free(waits)
gauge_free(depth)
registry_free(registry)
