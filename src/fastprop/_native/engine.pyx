"""A Plan: one network laid out in memory for one batch size, and the loops that run it without the GIL.

    forward     a[l+1] = f(a[l] W[l] + b[l])
    backward    dW[l] = a[l]ᵀ delta[l+1],  db[l] = column sums of delta[l+1],
                delta[l] = (delta[l+1] W[l]ᵀ) * f'(z[l])
    update      theta from dW and db, by the optimizer's rule, as soon as each layer's are there

Memory is laid out once; a step allocates nothing and cannot fail. The arithmetic is in the kernels; what may be
refused has been refused in `fastprop._checks`. theta, the optimizer's state, and a gradient that is asked for are the
caller's, one flat vector each: layer by layer W, then b. A plan serves one caller at a time.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport isfinite
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from fastprop._native.arrays cimport Array
from fastprop._native.kernels.table cimport find

cdef extern from "kernels/float_environment.h":
    ctypedef unsigned long long environment "uint64_t"
    environment float_environment_set() noexcept nogil
    void float_environment_restore(environment before) noexcept nogil

cdef enum:
    ALIGNMENT = 64          # bytes: a cache line, and the widest vector
    GRADIENT_AT_ONCE = 65536    # reals of dW between two updates: 256 KB of floats, for the second-level cache
    ROWS_TOGETHER = 240     # of dW at least: fewer, and packing delta anew for each lot costs more than is saved


cdef class Plan:
    """One network for batches of up to `batch_size` rows.

    Parameters
    ----------
    capsule
        The kernels, from `fastprop._native.dispatch.kernels`.
    layers
        For each layer (n_in, n_out, use_bias, name of the activation).
    batch_size
        The most rows of a batch.
    loss, metrics
        Names of kernels; without a loss the plan only predicts.
    threshold
        Where a binary output changes class: 0.5, or 0 for logits.

    Raises
    ------
    MemoryError
        If there is no room; nothing is left allocated then.
    """

    def __cinit__(self, capsule, layers, batch_size, loss=None, metrics=(), threshold=0.5):
        cdef Py_ssize_t i
        cdef char* base
        cdef char* below
        cdef Layer* layer
        self.kernels = <const Kernels*> PyCapsule_GetPointer(capsule, "fastprop kernels")
        self.kind = b"f" if self.kernels.itemsize == 4 else b"d"
        self.batch_size = batch_size
        self.threshold = threshold
        self.n_layers = len(layers)
        self.n_metrics = len(metrics)
        if loss is not None:
            self.loss = <const Loss*> find(self.kernels.losses, sizeof(Loss), loss.encode())

        # The layout, in Python's integers, which cannot overflow: each part's offset from the arena's start.
        parts = Parts()
        descriptions = parts.add(self.n_layers * sizeof(Layer))
        metric_list = parts.add(self.n_metrics * sizeof(void*))
        itemsize = self.kernels.itemsize
        n_inputs, n_outputs, widest = layers[0][0], layers[-1][1], max([n_out for _, n_out, _, _ in layers])
        learning = 0 if loss is None else itemsize
        x = parts.add(batch_size * n_inputs * itemsize)
        y = parts.add(batch_size * n_outputs * learning)
        w = parts.add(batch_size * learning)
        o = parts.add(batch_size * n_outputs * learning)
        deltas = [parts.add(batch_size * widest * learning) for _ in range(2)]
        outputs = [parts.add(batch_size * n_out * itemsize) for _, n_out, _, _ in layers]
        dW = parts.add(max([rows_at_once(n_in, n_out) * n_out for n_in, n_out, _, _ in layers]) * learning)
        work = parts.add(work_of(self.kernels, layers, batch_size, loss is not None) * itemsize)
        if parts.total < 2**62:
            self.memory = <char*> malloc(parts.total + ALIGNMENT)
        if self.memory == NULL:
            raise MemoryError(f"a batch of {batch_size} rows needs {parts.total} bytes of working memory")

        base = self.memory + (ALIGNMENT - <size_t> self.memory % ALIGNMENT)
        self.layers = <Layer*> (base + <Py_ssize_t> descriptions)
        self.metrics = <const Metric**> (base + <Py_ssize_t> metric_list)
        self.x = base + <Py_ssize_t> x
        self.y = base + <Py_ssize_t> y
        self.w = base + <Py_ssize_t> w
        self.o = base + <Py_ssize_t> o
        self.dW = base + <Py_ssize_t> dW
        self.work = base + <Py_ssize_t> work
        below = self.x
        for i, name in enumerate(metrics):
            self.metrics[i] = <const Metric*> find(self.kernels.metrics, sizeof(Metric), name.encode())
        for i, (n_in, n_out, use_bias, activation) in enumerate(layers):
            layer = &self.layers[i]
            layer.n_in, layer.n_out = n_in, n_out
            layer.rows_at_once = rows_at_once(n_in, n_out)
            layer.W = self.n_params
            layer.b = layer.W + layer.n_in * layer.n_out if use_bias else -1
            layer.activation = <const Activation*> find(
                self.kernels.activations, sizeof(Activation), activation.encode())
            layer.a_in = below
            layer.a = below = base + <Py_ssize_t> outputs[i]
            layer.delta = base + <Py_ssize_t> deltas[i % 2]
            self.n_params += layer.n_in * layer.n_out + (layer.n_out if use_bias else 0)

    def __dealloc__(self):
        free(self.memory)

    # What Python calls: arrays enter, the GIL goes, the loops run.

    def predict(self, theta, X, out):
        """out (m, n_outputs) = the network's output o for each row of X."""
        cdef Array parameters = Array(theta), results = Array(out, True)
        cdef RowSource source = RowSource(self, X)
        cdef Layer* last = &self.layers[self.n_layers - 1]
        cdef char* own = last.a
        cdef Py_ssize_t first = 0, m
        cdef environment before
        with nogil:
            before = float_environment_set()
            while first < source.rows.count:
                m = min(self.batch_size, source.rows.count - first)
                last.a = results.data + first * last.n_out * self.kernels.itemsize
                self.load(&source.rows, first, m)
                self.forward(parameters.data, m, True)
                first += m
            float_environment_restore(before)
        last.a = own

    def evaluate(self, theta, X, Y, w, totals):
        """Add the sums over X's rows of (weight, weighted loss, each weighted metric) to totals (2 + n_metrics,)."""
        cdef Array parameters = Array(theta), sums = Array(totals, True)
        cdef RowSource source = RowSource(self, X, Y, w)
        cdef Py_ssize_t first = 0, m
        cdef environment before
        with nogil:
            before = float_environment_set()
            while first < source.rows.count:
                m = min(self.batch_size, source.rows.count - first)
                self.load(&source.rows, first, m)
                self.forward(parameters.data, m, False)
                self.score(&source.rows, m, <double*> sums.data)
                first += m
            float_environment_restore(before)

    def gradient(self, theta, grad, X, Y, w, totals):
        """grad = dC/dtheta over all rows of X as one batch, at most `batch_size`; totals as in `evaluate`."""
        cdef Array parameters = Array(theta), gradient = Array(grad, True), sums = Array(totals, True)
        cdef RowSource source = RowSource(self, X, Y, w)
        cdef environment before
        with nogil:
            before = float_environment_set()
            self.load(&source.rows, 0, source.rows.count)
            self.forward(parameters.data, source.rows.count, False)
            self.score(&source.rows, source.rows.count, <double*> sums.data)
            self.backward(parameters.data, gradient.data, NULL, source.rows.count)
            float_environment_restore(before)

    def train(self, theta, state, X, Y, w, order, first, last, update, settings, steps, totals):
        """Take the steps of the batches first..last - 1 of an epoch over X[order]; order None for X as it stands.

        theta and state change in place, totals as in `evaluate`. The number of steps that were taken is added to
        steps[0], all so far, and to steps[1], those that state remembers: a caller whom an interrupt keeps from a
        return value still knows it. Fewer than asked for were taken where a batch's loss was not finite; then its
        step was not.
        """
        cdef Array parameters = Array(theta, True), memory = None, numbers = Array(settings)
        cdef Array sums = Array(totals, True), counts = Array(steps, True)
        cdef RowSource source = RowSource(self, X, Y, w, order)
        cdef Rule rule = Rule(
            update=<const Update*> find(self.kernels.updates, sizeof(Update), update.encode()),
            theta=parameters.data, state=NULL, settings=<const double*> numbers.data, step=(<int64_t*> counts.data)[1],
        )
        cdef Py_ssize_t first_batch = first, last_batch = last
        cdef environment before
        if state is not None:
            memory = Array(state, True)
            rule.state = memory.data
        with nogil:
            before = float_environment_set()
            self.train_batches(&source.rows, &rule, first_batch, last_batch, <double*> sums.data)
            (<int64_t*> counts.data)[0] += rule.step - (<int64_t*> counts.data)[1]
            (<int64_t*> counts.data)[1] = rule.step
            float_environment_restore(before)

    # The loops.

    cdef void train_batches(self, const Rows* rows, Rule* rule, Py_ssize_t first, Py_ssize_t last,
                            double* totals) noexcept nogil:
        cdef Py_ssize_t batch, start, m
        for batch in range(first, last):
            start = batch * self.batch_size
            m = min(self.batch_size, rows.count - start)
            self.load(rows, start, m)
            self.forward(rule.theta, m, False)
            if not isfinite(self.score(rows, m, totals)):
                return
            self.backward(rule.theta, NULL, rule, m)
            rule.step += 1

    cdef void load(self, const Rows* rows, Py_ssize_t first, Py_ssize_t m) noexcept nogil:
        """Gather rows first..first + m - 1 of the order into x, y and w."""
        cdef Py_ssize_t n_in = self.layers[0].n_in, n_out = self.layers[self.n_layers - 1].n_out
        if rows.x_in_place and rows.order == NULL:
            self.layers[0].a_in = rows.X + first * rows.x_strides[0]
        else:
            self.layers[0].a_in = self.x
            self.kernels.gather(
                rows.x_kind, rows.X, rows.x_strides[0], rows.x_strides[1], rows.order, first, m, n_in, self.x)
        if rows.y_labels:
            self.kernels.gather_one_hot(<const int64_t*> rows.Y, rows.order, first, m, n_out, self.y)
        elif rows.Y != NULL:
            self.kernels.gather(
                rows.y_kind, rows.Y, rows.y_strides[0], rows.y_strides[1], rows.order, first, m, n_out, self.y)
        if rows.w != NULL:
            self.kernels.gather(rows.w_kind, rows.w, rows.w_stride, 0, rows.order, first, m, 1, self.w)

    cdef void forward(self, const char* theta, Py_ssize_t m, bint to_output) noexcept nogil:
        """Each layer's a; the last layer's stays z where the loss begins there, unless the output is wanted."""
        cdef Py_ssize_t i, size = self.kernels.itemsize
        cdef Layer* layer
        for i in range(self.n_layers):
            layer = &self.layers[i]
            self.kernels.product(
                layer.a, m, layer.n_out, layer.n_in, layer.a_in, layer.n_in, 1, theta + layer.W * size, layer.n_out, 1,
                theta + layer.b * size if layer.b >= 0 else NULL, self.work,
            )
            if i == self.n_layers - 1 and not to_output and self.loss.through != NULL:
                return
            if layer.activation.forward != NULL:
                layer.activation.forward(layer.a, layer.a, m, layer.n_out)

    cdef double score(self, const Rows* rows, Py_ssize_t m, double* totals) noexcept nogil:
        """The sum of the rows' losses; the gradient of their mean into the last layer's delta; sums added to totals."""
        cdef Layer* last = &self.layers[self.n_layers - 1]
        cdef const char* w = self.w if rows.w != NULL else NULL
        cdef char* o = NULL
        cdef double weight = self.kernels.weight_sum(self.w, m) if rows.w != NULL else m
        cdef double scale = 1 / weight if weight > 0 else 0
        cdef double total
        cdef Py_ssize_t i
        if self.n_metrics and self.loss.through != NULL and last.activation.forward != NULL:
            o = self.o
        total = self.loss.value_and_delta(last.a, self.y, w, last.delta, o, m, last.n_out, scale)
        totals[0] += weight
        totals[1] += total
        for i in range(self.n_metrics):
            totals[2 + i] += self.metrics[i].total(o if o != NULL else last.a, self.y, w, m, last.n_out, self.threshold)
        return total

    cdef void backward(self, const char* theta, char* grad, Rule* rule, Py_ssize_t m) noexcept nogil:
        """From the last layer's delta down: all of grad, or, given a rule, a step of theta."""
        cdef Py_ssize_t i, size = self.kernels.itemsize
        cdef Layer* layer
        for i in range(self.n_layers - 1, -1, -1):
            layer = &self.layers[i]
            if layer.activation.backward != NULL and (i < self.n_layers - 1 or self.loss.through == NULL):
                layer.activation.backward(layer.a, layer.delta, m, layer.n_out)
            if i > 0:
                self.kernels.product(                                                           # da = delta Wᵀ
                    self.layers[i - 1].delta, m, layer.n_in, layer.n_out, layer.delta, layer.n_out, 1,
                    theta + layer.W * size, 1, layer.n_out, NULL, self.work,
                )
            if rule != NULL:
                self.learn(layer, rule, m)
                continue
            self.weight_gradient(layer, grad + layer.W * size, 0, layer.n_in, m)
            if layer.b >= 0:
                self.kernels.column_sums(layer.delta, grad + layer.b * size, m, layer.n_out)

    cdef void weight_gradient(self, Layer* layer, char* dW, Py_ssize_t first, Py_ssize_t count,
                              Py_ssize_t m) noexcept nogil:
        """Rows first..first + count - 1 of dW = a_inᵀ delta."""
        self.kernels.product(
            dW, count, layer.n_out, m, layer.a_in + first * self.kernels.itemsize, 1, layer.n_in,
            layer.delta, layer.n_out, 1, NULL, self.work,
        )

    cdef void learn(self, Layer* layer, Rule* rule, Py_ssize_t m) noexcept nogil:
        """The layer's gradient and its step, a few rows of W at a time, so that dW stays in the cache."""
        cdef Py_ssize_t count, first = 0
        while first < layer.n_in:
            count = min(layer.n_in - first, layer.rows_at_once)
            self.weight_gradient(layer, self.dW, first, count, m)
            self.update(rule, layer.W + first * layer.n_out, count * layer.n_out)
            first += count
        if layer.b >= 0:
            self.kernels.column_sums(layer.delta, self.dW, m, layer.n_out)
            self.update(rule, layer.b, layer.n_out)

    cdef void update(self, Rule* rule, Py_ssize_t first, Py_ssize_t count) noexcept nogil:
        """One step of theta[first:first + count] from the gradient in dW."""
        cdef Py_ssize_t offset = first * self.kernels.itemsize
        rule.update.apply(
            rule.theta + offset, self.dW, rule.state + offset if rule.state != NULL else NULL, count,
            rule.settings, rule.step,
        )


cdef class RowSource:
    """The caller's arrays as the engine reads them, held while it does."""

    cdef Rows rows
    cdef Array X
    cdef Array Y
    cdef Array w
    cdef Array order

    def __cinit__(self, Plan plan, X, Y=None, w=None, order=None):
        self.X = Array(X)
        self.rows.X = self.X.data
        self.rows.x_kind = self.X.kind
        self.rows.x_strides = self.X.strides
        self.rows.x_in_place = self.X.is_packed(plan.kind)
        self.rows.count = self.X.shape[0]
        if Y is not None:
            self.Y = Array(Y)
            self.rows.Y = self.Y.data
            self.rows.y_kind = self.Y.kind
            self.rows.y_strides = self.Y.strides
            self.rows.y_labels = self.Y.view.ndim == 1
        if w is not None:
            self.w = Array(w)
            self.rows.w = self.w.data
            self.rows.w_kind = self.w.kind
            self.rows.w_stride = self.w.strides[0]
        if order is not None:
            self.order = Array(order)
            self.rows.order = <const Py_ssize_t*> self.order.data


cdef rows_at_once(n_in, n_out):
    """How many of dW's n_in rows of n_out to compute between two updates."""
    return min(n_in, max(ROWS_TOGETHER, GRADIENT_AT_ONCE // n_out // ROWS_TOGETHER * ROWS_TOGETHER))


cdef work_of(const Kernels* kernels, layers, batch_size, learns):
    """The reals of working memory that the largest of the products needs."""
    cdef Py_ssize_t m = min(batch_size, 2**31), k, n, most = 0
    for n_in, n_out, _, _ in layers:
        k, n = min(n_in, 2**31), min(n_out, 2**31)
        most = max(most, kernels.product_work(m, n, k))
        if learns:
            most = max(most, kernels.product_work(k, n, m), kernels.product_work(m, k, n))
    return most


class Parts:
    """Offsets of an arena's parts, each aligned."""

    def __init__(self):
        self.total = 0

    def add(self, n_bytes):
        offset = self.total
        self.total += (n_bytes + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        return offset
