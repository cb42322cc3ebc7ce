"""Each kernel as a function of NumPy arrays: what tests, benchmarks and the curious call.

The engine does not pass through here. Arrays must be C-contiguous and of the kernels' type.
"""

import math

import numpy as np

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t

from fastprop._native.arrays cimport Array
from fastprop._native.kernels.table cimport (
    RELU_SLOPE, TANH_SLOPE, Activation, Elementary, Finish, Gradient, Kernels, LayerArrays, Loss, LossRows, Metric,
    Operation, Part, Update, find, plain)


cdef list names_of(const void* entries, size_t size):
    names = []
    cdef const char* entry = <const char*> entries
    while (<const char* const*> entry)[0] != NULL:
        names.append((<const char* const*> entry)[0].decode())
        entry += size
    return names


cdef Array row_numbers(rows):
    return None if rows is None else Array(np.ascontiguousarray(rows, np.intp))


cdef const Py_ssize_t* pointer_to(Array rows):
    if rows is None:
        return NULL
    return <const Py_ssize_t*> rows.data


cdef number_of(X, rows, first, count):
    """`count`, or where it is None, how many rows there are from `first` on."""
    return len(X if rows is None else rows) - first if count is None else count


def at_a_cache_line(shape, dtype):
    """An uninitialised array that begins at a cache line, as the engine's do."""
    memory = np.empty(math.prod(shape) * dtype.itemsize + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start:len(memory) - 64 + start].view(dtype).reshape(shape)


cdef double in_order(rows):
    """The sum of rows' scores, one after the other, as the engine adds them."""
    cdef double score, total = 0
    for score in rows:
        total += score
    return total


cdef class KernelCalls:
    """The kernels of one target and type; `target` and `dtype` say which.

    Lists of names: `operations`, `elementaries`, `activations`, `losses`, `metrics`, `updates`. `empty(shape, dtype)`
    makes the arrays that the kernels write to.
    """

    cdef const Kernels* table
    cdef readonly str target
    cdef readonly object dtype
    cdef readonly list operations, elementaries, activations, losses, metrics, updates
    cdef object empty

    def __init__(self, capsule, target, empty=at_a_cache_line):
        self.table = <const Kernels*> PyCapsule_GetPointer(capsule, "fastprop kernels")
        self.target = target
        self.empty = empty
        self.dtype = np.dtype(np.float32 if self.table.itemsize == 4 else np.float64)
        self.operations = names_of(self.table.operations, sizeof(Operation))
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

    cdef copy(self, array):
        copied = self.empty(array.shape, self.dtype)
        copied[...] = array
        return copied

    def product(self, a, b, bias=None, rectify=False, slope=None, below=None, times=1):
        """a (m, k) b (k, n) + bias (n,), where a or b may be a transposed view; if wanted relu of it, and times the
        slope of an activation, "relu" or "tanh", from its a (m, n), `below`; done `times` times, to be measured."""
        cdef Py_ssize_t m = a.shape[0], k = a.shape[1], n = b.shape[1]
        out, work = self.empty((m, n), self.dtype), self.empty((self.table.product_work(m, n, k),), self.dtype)
        cdef Array A = self.take(a if a.flags.c_contiguous else a.T), B = self.take(b if b.flags.c_contiguous else b.T)
        cdef Array extra = None if bias is None else self.take(bias)
        cdef Array A_below = None if slope is None else self.take(below)
        cdef Array C = self.take(out), panels = self.take(work)
        cdef Py_ssize_t size = self.dtype.itemsize, a_row = a.strides[0], a_k = a.strides[1]
        cdef Py_ssize_t b_k = b.strides[0], b_column = b.strides[1]
        cdef Finish finish = plain()
        finish.rectify = rectify
        if bias is not None:
            finish.bias = extra.data
        if slope is not None:
            finish.slope, finish.below = {"relu": RELU_SLOPE, "tanh": TANH_SLOPE}[slope], A_below.data
        for _ in range(times):
            self.table.product(
                C.data, n, m, n, k, A.data, a_row // size, a_k // size, B.data, b_k // size, b_column // size,
                &finish, panels.data, NULL,
            )
        return out

    def sparse_product(self, values, columns, starts, b, bias=None):
        """x b + bias for b (k, n), where row i of x has values[starts[i]:starts[i + 1]] in columns[...], ascending."""
        cdef Array extra = None if bias is None else self.take(bias)
        cdef Array at = Array(columns), bounds = Array(starts)
        cdef const Py_ssize_t* rows = <const Py_ssize_t*> bounds.data
        out = self.empty((len(starts) - 1, b.shape[1]), self.dtype)
        self.table.sparse_product(
            self.take(out).data, b.shape[1], len(out), b.shape[1], self.take(values).data,
            <const Py_ssize_t*> at.data, rows, rows + 1, self.take(b).data, b.shape[1],
            NULL if extra is None else extra.data,
        )
        return out

    def sparse_gradient(self, values, columns, starts, delta, first, count):
        """Rows first..first + count - 1 of xᵀ delta, for such an x and delta (m, n)."""
        cdef Array at = Array(columns), bounds = Array(starts)
        cdef const Py_ssize_t* rows = <const Py_ssize_t*> bounds.data
        out, chains = self.empty((count, delta.shape[1]), self.dtype), self.empty((count, delta.shape[1]), self.dtype)
        self.table.sparse_gradient(
            self.take(out).data, first, count, delta.shape[1], len(delta), self.take(values).data,
            <const Py_ssize_t*> at.data, rows, rows + 1, self.take(delta).data, self.take(chains).data,
        )
        return out

    def fma_chains(self, count):
        """1 + count in as many lanes as fill the machine's units, by `count` fused multiply-adds of 1 x 1 on each."""
        sums = np.ones(self.table.fma_lanes, self.dtype)
        self.table.fma_chains(self.take(sums).data, count)
        return sums

    def column_sums(self, x):
        """x (m, n) summed over its rows."""
        sums = self.empty((x.shape[1],), self.dtype)
        self.table.column_sums(self.take(x).data, self.take(sums).data, x.shape[0], x.shape[1])
        return sums

    def weight_sum(self, w):
        """The sum of the weights w (m,), in double."""
        return self.table.weight_sum(0, self.take(w).data, w.size)

    def all_finite(self, x):
        """Whether no element of x is nan or infinite."""
        return bool(self.table.all_finite(self.take(x).data, x.size))

    def shuffle(self, count, address, seed):
        """An order of `count` rows: as `philox.permutation`."""
        cdef Py_ssize_t[::1] rows = np.empty(count, np.intp)
        self.table.shuffle(&rows[0] if count else NULL, count, address[0], address[1], seed)
        return np.asarray(rows)

    def random_mask(self, first, count, address, seed, threshold, kept):
        """`count` numbers, 0 or kept, from position `first` on; address: the last two words of Philox's counter."""
        mask = self.empty((count,), self.dtype)
        self.table.random_mask(self.take(mask).data, first, count, address[0], address[1], seed, threshold, kept)
        return mask

    def operation(self, name, reads, writes, settings=(), n=None):
        """What it writes, arrays of the shapes `writes`; it reads arrays or, for None, nothing. n: of how many of the
        first array's columns."""
        cdef const Operation* entry = <const Operation*> find(
            self.table.operations, sizeof(Operation), name.encode())
        cdef Py_ssize_t i
        cdef LayerArrays of
        arrays = [None if array is None else self.take(array) for array in reads]
        results = [self.empty(shape, self.dtype) for shape in writes]
        written = [self.take(array) for array in results]
        for i in range(6):
            of.reads[i] = NULL
            if i < len(arrays) and arrays[i] is not None:
                of.reads[i] = (<Array> arrays[i]).data
        for i in range(len(written)):
            of.writes[i] = (<Array> written[i]).data
        for i, number in enumerate(settings):
            of.settings[i] = number
        of.m, of.row = reads[0].shape
        of.n = of.row if n is None else n
        entry.apply(&of)
        return tuple(results)

    def elementary(self, name, x):
        """exp, log, ... of each element."""
        cdef const Elementary* entry = <const Elementary*> find(
            self.table.elementaries, sizeof(Elementary), name.encode())
        y = self.empty(x.shape, self.dtype)
        entry.apply(self.take(x).data, self.take(y).data, x.size)
        return y

    def activation_forward(self, name, z, settings=()):
        """a = f(z) for z (m, n)."""
        cdef const Activation* entry = <const Activation*> find(
            self.table.activations, sizeof(Activation), name.encode())
        cdef Array numbers = Array(np.array(settings, dtype=float))
        a = self.copy(z)
        if entry.forward != NULL:
            entry.forward(
                self.take(z).data, self.take(a).data, z.shape[0], z.shape[1], <const double*> numbers.data)
        return a

    def activation_backward(self, name, a, z, da, settings=()):
        """dC/dz from a = f(z), z and dC/da, all (m, n); z is not looked at where a is enough."""
        cdef const Activation* entry = <const Activation*> find(
            self.table.activations, sizeof(Activation), name.encode())
        cdef Array numbers = Array(np.array(settings, dtype=float))
        cdef Array Z = self.take(z)
        delta = self.copy(da)
        if entry.backward != NULL:
            entry.backward(
                self.take(a).data, Z.data if entry.reads_z else NULL, self.take(delta).data, a.shape[0], a.shape[1],
                <const double*> numbers.data,
            )
        return delta

    def loss(self, name, o_or_z, y, w=None, settings=()):
        """The weighted mean loss, its gradient, and the output o where the loss computes it; y (m, n_targets)."""
        cdef const Loss* entry = <const Loss*> find(self.table.losses, sizeof(Loss), name.encode())
        delta, o = self.empty(o_or_z.shape, self.dtype), self.copy(o_or_z)
        rows = self.empty((len(y),), np.dtype(float))
        cdef Array outputs = self.take(o_or_z), targets = self.take(y), slopes = self.take(delta), given = self.take(o)
        cdef Array weights = None if w is None else self.take(w)
        cdef Array numbers = Array(np.array(settings, dtype=float)), scores = Array(rows, True)
        cdef double scale = 1 / <double> (len(y) if w is None else self.weight_sum(w))
        cdef LossRows batch
        batch.o_or_z, batch.y, batch.delta, batch.o = outputs.data, targets.data, slopes.data, given.data
        batch.w = NULL if w is None else weights.data
        batch.losses, batch.settings = <double*> scores.data, <const double*> numbers.data
        batch.m, batch.n, batch.n_targets, batch.scale = len(y), o.shape[1], y.shape[1], scale
        entry.rows(&batch)
        return in_order(rows) * scale, delta, o

    def metric(self, name, o, y, w=None, setting=0.5):
        """The sum over rows of the weighted score."""
        cdef const Metric* entry = <const Metric*> find(self.table.metrics, sizeof(Metric), name.encode())
        cdef Array weights = None if w is None else self.take(w)
        scores = self.empty((len(y),), np.dtype(float))
        entry.rows(
            self.take(o).data, self.take(y).data, NULL if w is None else weights.data,
            <double*> Array(scores, True).data, y.shape[0], y.shape[1], setting,
        )
        return in_order(scores)

    def update(self, name, theta, grad, state, settings):
        """One step of theta (count,), and of the rule's state (n_states, count), in place."""
        cdef Gradient gradient = Gradient(grad=self.take(grad).data, a=NULL, a_row=0, delta=NULL, m=0)
        self.apply(name, theta.reshape(1, -1), state, settings, &gradient)

    def update_by_factors(self, name, theta, a, delta, state, settings):
        """The same of theta (rows, n) and state (n_states, rows n) with the gradient aᵀ delta, a (m, rows) and
        delta (m, n)."""
        cdef Gradient gradient = Gradient(
            grad=NULL, a=self.take(a).data, a_row=a.shape[1], delta=self.take(delta).data, m=a.shape[0])
        self.apply(name, theta, state, settings, &gradient)

    cdef apply(self, name, theta, state, settings, const Gradient* gradient):
        cdef const Update* entry = <const Update*> find(self.table.updates, sizeof(Update), name.encode())
        cdef Array numbers = Array(np.array(settings, dtype=float))
        cdef Part part = Part(
            theta=self.take(theta).data, state=self.take(state).data, stride=theta.size, rows=theta.shape[0],
            n=theta.shape[1], settings=<const double*> numbers.data)
        entry.apply(&part, gradient)

    def add_to(self, x, sum):
        """sum + x, both (count,)."""
        added = self.copy(sum)
        self.table.add_to(self.take(x).data, self.take(added).data, x.size)
        return added

    def squares(self, x, scale, limit):
        """The sum of squares of scale x (count,), each within -limit..limit: of each 256 elements, in double."""
        sums = self.empty((-(-x.size // 256),), np.dtype(float))
        self.table.squares(self.take(x).data, <double*> Array(sums, True).data, x.size, scale, limit)
        return sums

    def magnitudes(self, x):
        """The sum of |x|, x (count,): of each 256 elements, in double."""
        sums = self.empty((-(-x.size // 256),), np.dtype(float))
        self.table.magnitudes(self.take(x).data, <double*> Array(sums, True).data, x.size)
        return sums

    def shape_gradient(self, theta, grad, scale, limit, factor, l1):
        """factor (scale grad, within -limit..limit) + l1 sign(theta), both (count,)."""
        shaped = self.copy(grad)
        self.table.shape_gradient(
            self.take(theta).data, self.take(shaped).data, theta.size, scale, limit, factor, l1)
        return shaped

    def average(self, theta, average, share):
        """average + share (theta - average), both (count,)."""
        moved = self.copy(average)
        self.table.average(self.take(theta).data, self.take(moved).data, theta.size, share)
        return moved

    def limit_columns(self, W, first, last, limit):
        """W, of which each of the columns first..last - 1 is shortened to the norm `limit` where it is longer."""
        cdef Py_ssize_t begin = first
        cdef char* data
        limited = self.copy(W)
        data = self.take(limited).data
        self.table.limit_columns(data + begin * self.table.itemsize, W.shape[1], W.shape[0], last - first, limit)
        return limited

    def gather(self, X, rows=None, first=0, count=None):
        """X[rows[first:first + count]] cast to the kernels' type, X of any strides; rows None for all in order."""
        cdef Array source = Array(X), order = row_numbers(rows)
        out = self.empty((number_of(X, rows, first, count), X.shape[1]), self.dtype)
        self.table.gather(source.kind, source.data, source.strides[0], source.strides[1],
                          pointer_to(order), first, out.shape[0], out.shape[1], self.take(out).data)
        return out

    def gather_one_hot(self, labels, n, rows=None, first=0, count=None):
        """1 at each row's label, 0 elsewhere, (count, n): of labels[rows[first:first + count]], as `gather`."""
        cdef Array source = Array(np.ascontiguousarray(labels, np.int64)), order = row_numbers(rows)
        out = self.empty((number_of(labels, rows, first, count), n), self.dtype)
        self.table.gather_one_hot(<const int64_t*> source.data, pointer_to(order), first, out.shape[0], n,
                                  self.take(out).data)
        return out
