"""Each kernel as a function of NumPy arrays: what tests, benchmarks and the curious call.

The engine does not pass through here. Arrays must be C-contiguous and of the kernels' type.
"""

import numpy as np

from cpython.pycapsule cimport PyCapsule_GetPointer

from fastprop._native.arrays cimport Array
from fastprop._native.kernels.table cimport Activation, Elementary, Kernels, Loss, Metric, Update, find


cdef list names_of(const void* entries, size_t size):
    names = []
    cdef const char* entry = <const char*> entries
    while (<const char* const*> entry)[0] != NULL:
        names.append((<const char* const*> entry)[0].decode())
        entry += size
    return names


cdef class KernelCalls:
    """The kernels of one target and type; `target` and `dtype` say which.

    Lists of names: `elementaries`, `activations`, `losses`, `metrics`, `updates`.
    """

    cdef const Kernels* table
    cdef readonly str target
    cdef readonly object dtype
    cdef readonly list elementaries, activations, losses, metrics, updates

    def __init__(self, capsule, target):
        self.table = <const Kernels*> PyCapsule_GetPointer(capsule, "fastprop kernels")
        self.target = target
        self.dtype = np.dtype(np.float32 if self.table.itemsize == 4 else np.float64)
        self.elementaries = names_of(self.table.elementaries, sizeof(Elementary))
        self.activations = names_of(self.table.activations, sizeof(Activation))
        self.losses = names_of(self.table.losses, sizeof(Loss))
        self.metrics = names_of(self.table.metrics, sizeof(Metric))
        self.updates = names_of(self.table.updates, sizeof(Update))

    def __repr__(self):
        return f"KernelCalls(target={self.target!r}, dtype={self.dtype.name!r})"

    cdef Array take(self, array):
        cdef Array taken = Array(array, array.flags.writeable)
        if not taken.is_packed(b"f" if self.table.itemsize == 4 else b"d"):
            raise TypeError(
                f"{self!r} takes C-contiguous arrays of its type, not {array.dtype} of strides {array.strides}")
        return taken

    def product(self, a, b, bias=None):
        """a (m, k) b (k, n) + bias (n,), where a or b may be a transposed view."""
        out = np.empty((a.shape[0], b.shape[1]), self.dtype)
        work = np.empty(self.table.product_work(a.shape[0], b.shape[1], a.shape[1]) + 16, self.dtype)
        work = work[-(work.ctypes.data // self.dtype.itemsize) % 16:]           # panels begin at a cache line
        cdef bint a_turned = not a.flags.c_contiguous, b_turned = not b.flags.c_contiguous
        cdef Array A = self.take(a.T if a_turned else a), B = self.take(b.T if b_turned else b)
        cdef Array C = self.take(out), W = self.take(work), extra = None if bias is None else self.take(bias)
        cdef Py_ssize_t m = a.shape[0], k = a.shape[1], n = b.shape[1]
        self.table.product(
            C.data, m, n, k, A.data, 1 if a_turned else k, m if a_turned else 1, B.data, 1 if b_turned else n,
            k if b_turned else 1, NULL if extra is None else extra.data, W.data,
        )
        return out

    def column_sums(self, x):
        """x (m, n) summed over its rows."""
        sums = np.empty(x.shape[1], self.dtype)
        self.table.column_sums(self.take(x).data, self.take(sums).data, x.shape[0], x.shape[1])
        return sums

    def elementary(self, name, x):
        """exp, log, ... of each element."""
        cdef const Elementary* entry = <const Elementary*> find(
            self.table.elementaries, sizeof(Elementary), name.encode())
        y = np.empty_like(x)
        entry.apply(self.take(x).data, self.take(y).data, x.size)
        return y

    def activation_forward(self, name, z):
        """a = f(z) for z (m, n)."""
        cdef const Activation* entry = <const Activation*> find(
            self.table.activations, sizeof(Activation), name.encode())
        a = z.copy()
        if entry.forward != NULL:
            entry.forward(self.take(z).data, self.take(a).data, z.shape[0], z.shape[1])
        return a

    def activation_backward(self, name, a, da):
        """dC/dz from a = f(z) and dC/da, all (m, n)."""
        cdef const Activation* entry = <const Activation*> find(
            self.table.activations, sizeof(Activation), name.encode())
        delta = da.copy()
        if entry.backward != NULL:
            entry.backward(self.take(a).data, self.take(delta).data, a.shape[0], a.shape[1])
        return delta

    def loss(self, name, o_or_z, y, w=None):
        """The weighted mean loss, its gradient (m, n), and the output o where the loss computes it."""
        cdef const Loss* entry = <const Loss*> find(self.table.losses, sizeof(Loss), name.encode())
        cdef Array weights = None if w is None else self.take(w)
        delta, o = np.empty_like(o_or_z), o_or_z.copy()
        cdef double scale = 1 / (len(y) if w is None else w.sum(dtype=float))
        rows = np.empty(len(y))
        entry.rows(
            self.take(o_or_z).data, self.take(y).data, NULL if w is None else weights.data, self.take(delta).data,
            self.take(o).data, <double*> Array(rows, True).data, y.shape[0], y.shape[1], scale,
        )
        return sum(rows.tolist()) * scale, delta, o

    def metric(self, name, o, y, w=None, threshold=0.5):
        """The sum over rows of the weighted score."""
        cdef const Metric* entry = <const Metric*> find(self.table.metrics, sizeof(Metric), name.encode())
        cdef Array weights = None if w is None else self.take(w)
        scores = np.empty(len(y))
        entry.rows(
            self.take(o).data, self.take(y).data, NULL if w is None else weights.data,
            <double*> Array(scores, True).data, y.shape[0], y.shape[1], threshold,
        )
        return sum(scores.tolist())

    def update(self, name, theta, grad, state, settings, step):
        """One step of theta, and of state, in place."""
        cdef const Update* entry = <const Update*> find(self.table.updates, sizeof(Update), name.encode())
        cdef Array numbers = Array(np.array(settings, dtype=float))
        entry.apply(self.take(theta).data, self.take(grad).data, self.take(state).data, theta.size,
                    <const double*> numbers.data, step)

    def gather(self, X, rows):
        """X[rows] cast to the kernels' type; X may have any strides."""
        cdef Array source = Array(X), order = Array(np.ascontiguousarray(rows, np.intp))
        out = np.empty((len(rows), X.shape[1]), self.dtype)
        self.table.gather(source.kind, source.data, source.strides[0], source.strides[1],
                          <const Py_ssize_t*> order.data, 0, out.shape[0], out.shape[1], self.take(out).data)
        return out
