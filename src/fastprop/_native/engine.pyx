"""A Plan: one network laid out in memory for one batch size, and the loops that run it without the GIL.

    forward     a[l+1] = f(a[l] W[l] + b[l])
    backward    delta[l] = (delta[l+1] W[l]ᵀ) * f'(z[l])
    learn       dW[l] = a[l]ᵀ delta[l+1],  db[l] = column sums of delta[l+1],  theta from them by the optimizer's rule

Memory is laid out once; a step allocates nothing and cannot fail. The arithmetic is in the kernels; what may be
refused has been refused in `fastprop._checks`. theta, the optimizer's state, and a gradient that is asked for are the
caller's, one flat vector each: layer by layer W, then b. A plan serves one caller at a time.

A batch has two parts. Forward and backward go row by row, so each worker of the team takes some rows through the whole
network; learning sums over rows, so each takes some rows of every W. Between the two parts, and after them, they meet.
Large products are shared by columns instead, so that each worker reads only its columns of W; then they meet before and
after each product too.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport isfinite
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from numpy import dtype as dtype_of, empty, ndarray

from fastprop._native.arrays cimport Array
from fastprop._native.float_environment cimport environment, float_environment_restore, float_environment_set
from fastprop._native.kernels.table cimport find
from fastprop._native.threads import CALL_WORK, call_helpers

cdef enum:
    ALIGNMENT = 64          # bytes: a cache line, and the widest vector
    # Batches of so few rows: dW = aᵀ delta is multiplied within the update and not written to memory, where W's rows
    # are whole cache lines (else each row's first load waits for the last one's store).
    FEW_ROWS = 4
    GRADIENT_AT_ONCE = 65536    # reals of dW between two updates: 256 KB of floats, for the second-level cache
    ROWS_TOGETHER = 240     # of dW at least: fewer, and packing delta anew for each lot costs more than is saved
    WORK_PER_PAUSE = 4000   # multiply-adds, 0.2 us, for each 20 ns of waiting: helpers may cost a tenth of the time
    LONGEST_WAIT = 50000    # pauses: 1 ms
    WORK_BY_COLUMNS = 3000000   # multiply-adds forward for each worker, 150 us: where meeting at each layer is nothing
    COLUMNS_TOGETHER = 32   # of a product for one worker: whole vectors, whole cache lines


cdef class Plan:
    """One network for batches of up to `batch_size` rows.

    Parameters
    ----------
    capsule
        The kernels, from `fastprop._native.dispatch.kernels`.
    layers
        For each layer (n_in, n_out, use_bias, (name of the activation, its settings)).
    batch_size
        The most rows of a batch.
    loss
        (name of the kernel, its settings, number of columns of y); without one the plan only predicts.
    metrics
        For each (name of the kernel, its setting).
    n_workers
        The most threads that share a batch.

    Raises
    ------
    MemoryError
        If there is no room; nothing is left allocated then.
    """

    def __cinit__(self, capsule, layers, batch_size, loss=None, metrics=(), n_workers=1):
        cdef Py_ssize_t i, j
        cdef char* base
        cdef Layer* layer
        self.kernels = <const Kernels*> PyCapsule_GetPointer(capsule, "fastprop kernels")
        self.kind = b"f" if self.kernels.itemsize == 4 else b"d"
        self.dtype = dtype_of(chr(self.kind))
        self.batch_size = batch_size
        self.n_workers = n_workers
        self.n_layers = len(layers)
        self.n_metrics = len(metrics)
        settings = ()
        if loss is not None:
            loss_name, settings, self.n_targets = loss
            self.loss = <const Loss*> find(self.kernels.losses, sizeof(Loss), loss_name.encode())

        # The layout, in Python's integers, which cannot overflow: each part's offset from the arena's start.
        parts = Parts()
        itemsize = self.kernels.itemsize
        n_inputs, n_outputs = layers[0][0], layers[-1][1]
        learning = 0 if loss is None else itemsize
        layer_list = parts.add(self.n_layers * sizeof(Layer))
        worker_list = parts.add(n_workers * sizeof(Worker))
        metric_list = parts.add(self.n_metrics * sizeof(void*))
        loss_settings = parts.add(len(settings) * sizeof(double))
        metric_settings = parts.add(self.n_metrics * sizeof(double))
        x = parts.add(batch_size * n_inputs * itemsize)
        y = parts.add(batch_size * self.n_targets * learning)
        o = parts.add(batch_size * n_outputs * learning)
        scores = parts.add(batch_size * (1 + self.n_metrics) * sizeof(double))
        outputs = [parts.add(batch_size * n_out * itemsize) for _, n_out, _, _ in layers]
        deltas = [parts.add(batch_size * n_out * learning) for _, n_out, _, _ in layers]
        activation_settings = [parts.add(len(numbers) * sizeof(double)) for _, _, _, (_, numbers) in layers]
        kept = [
            parts.add(batch_size * n_out * learning) if learning and self.activation(name).reads_z else None
            for _, n_out, _, (name, _) in layers
        ]
        work_size = work_of(self.kernels, layers, batch_size, loss is not None) * itemsize
        dW_size = max([rows_at_once(n_in, n_out) * n_out for n_in, n_out, _, _ in layers]) * learning
        owned = [[parts.add(size) for size in (work_size, dW_size, batch_size * learning)] for _ in range(n_workers)]
        if parts.total < 2**62:
            self.memory = <char*> malloc(parts.total + ALIGNMENT)
        if self.memory == NULL:
            raise MemoryError(f"a batch of {batch_size} rows needs {parts.total} bytes of working memory")

        base = self.memory + (ALIGNMENT - <size_t> self.memory % ALIGNMENT)
        self.layers = <Layer*> (base + <Py_ssize_t> layer_list)
        self.workers = <Worker*> (base + <Py_ssize_t> worker_list)
        self.metrics = <const Metric**> (base + <Py_ssize_t> metric_list)
        self.x = base + <Py_ssize_t> x
        self.y = base + <Py_ssize_t> y
        self.o = base + <Py_ssize_t> o
        self.scores = <double*> (base + <Py_ssize_t> scores)
        for i, (work, dW, w) in enumerate(owned):
            self.workers[i] = Worker(
                work=base + <Py_ssize_t> work, dW=base + <Py_ssize_t> dW, w=base + <Py_ssize_t> w,
                met_no_number=False)
        self.loss_settings = <double*> (base + <Py_ssize_t> loss_settings)
        for i, number in enumerate(settings):
            self.loss_settings[i] = number
        self.metric_settings = <double*> (base + <Py_ssize_t> metric_settings)
        for i, (name, setting) in enumerate(metrics):
            self.metrics[i] = <const Metric*> find(self.kernels.metrics, sizeof(Metric), name.encode())
            self.metric_settings[i] = setting
        for i, (n_in, n_out, use_bias, (activation, numbers)) in enumerate(layers):
            layer = &self.layers[i]
            layer.n_in, layer.n_out = n_in, n_out
            layer.rows_at_once = rows_at_once(n_in, n_out)
            layer.W = self.n_params
            layer.b = layer.W + layer.n_in * layer.n_out if use_bias else -1
            layer.activation = self.activation(activation)
            layer.settings = <double*> (base + <Py_ssize_t> activation_settings[i])
            for j, number in enumerate(numbers):
                layer.settings[j] = number
            layer.z = NULL if kept[i] is None else base + <Py_ssize_t> kept[i]
            layer.a = base + <Py_ssize_t> outputs[i]
            layer.delta = base + <Py_ssize_t> deltas[i]
            self.n_params += layer.n_in * layer.n_out + (layer.n_out if use_bias else 0)

    def __dealloc__(self):
        free(self.memory)

    cdef const Activation* activation(self, name) except NULL:
        return <const Activation*> find(self.kernels.activations, sizeof(Activation), name.encode())

    # What Python calls: arrays enter, the GIL goes, the loops run.

    def answer(self, theta, X):
        """The network's output o for each row of X, at most `batch_size`, in a new array; or None where that takes
        the checks and the `predict` below: for what is no plain matrix of finite numbers, or too many rows.

        For a few rows what surrounds the arithmetic costs most. So there is no Job here, no team, and the GIL is kept,
        which also means that callers come one by one; without a GIL, one who finds the plan in use gets None.
        """
        cdef RowSource source
        cdef Array out, parameters
        cdef Share share
        cdef environment before
        cdef const char* x
        cdef bint finite
        if type(X) is not ndarray:
            return None
        try:
            source = RowSource(self, X)
        except Exception:       # elements that the checks convert or refuse
            return None
        share = Share(begin=0, m=source.rows.count, first=0, count=source.rows.count, by_columns=False)
        if source.X.view.ndim != 2 or source.X.shape[1] != self.layers[0].n_in or not 0 < share.m <= self.batch_size:
            return None
        o = empty((share.m, self.layers[self.n_layers - 1].n_out), self.dtype)
        out = Array(o, True)
        parameters = Array(theta)
        # From here to the end no Python runs, which could let another thread in.
        if atomic_increment(&self.callers) > 1:
            return None
        before = float_environment_set()
        x = self.load(&source.rows, &share, &self.workers[0])
        finite = self.all_finite(x, &share)
        if finite:
            self.forward(parameters.data, x, out.data, &share, &self.workers[0])
        float_environment_restore(before)
        atomic_set(&self.callers, 0)
        return o if finite else None

    def predict(self, theta, X, out):
        """out (m, n_outputs) = the network's output o for each row of X; whether all X was finite in its type."""
        cdef Job job = Job(self, theta, RowSource(self, X))
        cdef Py_ssize_t i
        job.out = job.keep(out, True)
        for i in range(self.n_workers):
            self.workers[i].met_no_number = False
        job.run()
        return not any([self.workers[i].met_no_number for i in range(self.n_workers)])

    def evaluate(self, theta, X, Y, w, totals):
        """Add the sums over X's rows of (weight, weighted loss, each weighted metric) to totals (2 + n_metrics,)."""
        cdef Job job = Job(self, theta, RowSource(self, X, Y, w))
        job.totals = <double*> job.keep(totals, True)
        job.run()

    def gradient(self, theta, grad, X, Y, w, totals):
        """grad = dC/dtheta over all rows of X as one batch, at most `batch_size`; totals as in `evaluate`."""
        cdef Job job = Job(self, theta, RowSource(self, X, Y, w))
        job.totals = <double*> job.keep(totals, True)
        job.grad = job.keep(grad, True)
        job.run()

    def train(self, theta, state, X, Y, w, order, first, last, update, settings, steps, totals):
        """Take the steps of the batches first..last - 1 of an epoch over X[order]; order None for X as it stands.

        theta and state change in place, totals as in `evaluate`. The number of steps that were taken is added to
        steps[0], all so far, and to steps[1], those that state remembers: a caller whom an interrupt keeps from a
        return value still knows it. Fewer than asked for were taken where a batch's loss was not finite; then its
        step was not.
        """
        cdef Job job = Job(self, theta, RowSource(self, X, Y, w, order))
        job.totals = <double*> job.keep(totals, True)
        job.steps = <int64_t*> job.keep(steps, True)
        job.rule.update = <const Update*> find(self.kernels.updates, sizeof(Update), update.encode())
        job.rule.theta = job.keep(theta, True)
        job.rule.state = job.keep(state, True)
        job.rule.settings = <const double*> job.keep(settings)
        job.rule.step = job.steps[1]
        job.next, job.end = first, last
        job.run()

    # A batch, as a worker goes through it: its rows up and down the network, then its part of each W.

    cdef const char* load(self, const Rows* rows, const Share* share, Worker* own) noexcept nogil:
        """The batch's x, of which the worker has gathered its rows; and so of y; the weights whole, for their sum."""
        cdef Py_ssize_t n_in = self.layers[0].n_in, n_y = self.n_targets
        cdef Py_ssize_t size = self.kernels.itemsize, begin = share.begin + share.first
        cdef char* y = self.y + share.first * n_y * size
        if rows.y_labels:
            self.kernels.gather_one_hot(<const int64_t*> rows.Y, rows.order, begin, share.count, n_y, y)
        elif rows.Y != NULL:
            self.kernels.gather(
                rows.y_kind, rows.Y, rows.y_strides[0], rows.y_strides[1], rows.order, begin, share.count, n_y, y)
        if rows.w != NULL:
            self.kernels.gather(rows.w_kind, rows.w, rows.w_stride, 0, rows.order, share.begin, share.m, 1, own.w)
        if rows.x_in_place:
            return rows.X + share.begin * rows.x_strides[0]
        self.kernels.gather(
            rows.x_kind, rows.X, rows.x_strides[0], rows.x_strides[1], rows.order, begin, share.count, n_in,
            self.x + share.first * n_in * size,
        )
        return self.x

    cdef bint all_finite(self, const char* x, const Share* share) noexcept nogil:
        """Whether the worker's rows of x are."""
        cdef Py_ssize_t n_in = self.layers[0].n_in
        return self.kernels.all_finite(x + share.first * n_in * self.kernels.itemsize, share.count * n_in)

    cdef void forward(self, const char* theta, const char* x, char* out, const Share* share,
                      Worker* own) noexcept nogil:
        """Each layer's a. Where `out` is wanted, the last layer's goes there, (m, n_outputs); else it stays z if the
        loss begins there."""
        cdef Py_ssize_t i, at, size = self.kernels.itemsize
        cdef bint loss_begins_at_z
        cdef const char* below = x
        cdef char* z
        cdef char* a
        cdef Layer* layer
        for i in range(self.n_layers):
            layer = &self.layers[i]
            a = out if out != NULL and i == self.n_layers - 1 else layer.a
            loss_begins_at_z = i == self.n_layers - 1 and out == NULL and self.loss.through != NULL
            z = layer.z if layer.z != NULL and not loss_begins_at_z else a
            self.product(                                                                       # z = a W + b
                z, layer.n_out, below, layer.n_in, theta + layer.W * size, layer.n_out, 1,
                theta + layer.b * size if layer.b >= 0 else NULL, share, own,
            )
            if layer.activation.forward != NULL and not loss_begins_at_z:
                at = share.first * layer.n_out * size
                layer.activation.forward(z + at, a + at, share.count, layer.n_out, layer.settings)
            below = a

    cdef void product(self, char* c, Py_ssize_t n, const char* a, Py_ssize_t k, const char* b, Py_ssize_t b_k,
                      Py_ssize_t b_column, const char* bias, const Share* share, Worker* own) noexcept nogil:
        """c (m, n) = a (m, k) b (k, n) + bias, of which afterwards the worker's rows are there, from its rows of a."""
        cdef Py_ssize_t size = self.kernels.itemsize, first, count, units
        if not share.by_columns:
            self.kernels.product(
                c + share.first * n * size, n, share.count, n, k, a + share.first * k * size, k, 1, b, b_k, b_column,
                bias, own.work,
            )
            return
        wait_for_all(share.team)
        units = (n + COLUMNS_TOGETHER - 1) // COLUMNS_TOGETHER
        first = min(n, units * share.worker // share.n_workers * COLUMNS_TOGETHER)
        count = min(n, units * (share.worker + 1) // share.n_workers * COLUMNS_TOGETHER) - first
        self.kernels.product(
            c + first * size, n, share.m, count, k, a, k, 1, b + first * b_column * size, b_k, b_column,
            bias + first * size if bias != NULL else NULL, own.work,
        )
        wait_for_all(share.team)

    cdef double weight(self, const Rows* rows, const Share* share, Worker* own, double before) noexcept nogil:
        """`before` and the batch's weights, added to it row after row."""
        return self.kernels.weight_sum(before, own.w, share.m) if rows.w != NULL else before + share.m

    cdef void score(self, const Rows* rows, const Share* share, Worker* own) noexcept nogil:
        """Each row's loss and metrics, and the gradient of the batch's mean loss into the last layer's delta."""
        cdef Layer* last = &self.layers[self.n_layers - 1]
        cdef Py_ssize_t i, size = self.kernels.itemsize, at = share.first * last.n_out * size
        cdef double weight = self.weight(rows, share, own, 0)
        cdef double* scores = self.scores + share.first
        cdef const char* y = self.y + share.first * self.n_targets * size
        cdef const char* w = own.w + share.first * size if rows.w != NULL else NULL
        cdef const char* a = last.a + at
        cdef const char* output = a
        cdef char* o = NULL
        if self.n_metrics and self.loss.through != NULL and last.activation.forward != NULL:
            o = self.o + at
            output = o
        self.loss.rows(
            a, y, w, last.delta + at, o, scores, share.count, last.n_out, self.n_targets, self.loss_settings,
            1 / weight if weight > 0 else 0,
        )
        for i in range(self.n_metrics):
            scores += self.batch_size
            self.metrics[i].rows(output, y, w, scores, share.count, last.n_out, self.metric_settings[i])

    cdef void backward(self, const char* theta, const Share* share, Worker* own) noexcept nogil:
        """From the last layer's delta, dC/do or dC/dz, down to the first's dC/dz."""
        cdef Py_ssize_t i, at, size = self.kernels.itemsize
        cdef Layer* layer
        for i in range(self.n_layers - 1, -1, -1):
            layer = &self.layers[i]
            if layer.activation.backward != NULL and (i < self.n_layers - 1 or self.loss.through == NULL):
                at = share.first * layer.n_out * size
                layer.activation.backward(
                    layer.a + at, layer.z + at if layer.z != NULL else NULL, layer.delta + at, share.count,
                    layer.n_out, layer.settings,
                )
            if i > 0:
                self.product(                                                                   # da = delta Wᵀ
                    self.layers[i - 1].delta, layer.n_in, layer.delta, layer.n_out, theta + layer.W * size, 1,
                    layer.n_out, NULL, share, own,
                )

    cdef void learn(self, Rule* rule, char* grad, const char* x, const Share* share, Worker* own) noexcept nogil:
        """The worker's rows of each dW, and a step by the rule from them: a few rows at a time, so that dW stays in
        the cache. Where grad is wanted it is filled instead. The last worker sees to the biases."""
        cdef Py_ssize_t i, first, last, count, m = share.m, size = self.kernels.itemsize
        cdef char* dW = own.dW
        cdef const char* below = x
        cdef Layer* layer
        for i in range(self.n_layers):
            layer = &self.layers[i]
            first = layer.n_in * share.worker // share.n_workers
            last = layer.n_in * (share.worker + 1) // share.n_workers
            if m <= FEW_ROWS and layer.n_out * size % ALIGNMENT == 0 and grad == NULL:
                rule.update.apply_factors(
                    self.part_of(rule.theta, layer, first), below + first * size, layer.n_in, layer.delta, m,
                    self.part_of(rule.state, layer, first), last - first, layer.n_out, rule.settings, rule.step,
                )
                first = last
            while first < last:
                count = min(last - first, layer.rows_at_once)
                if grad != NULL:
                    dW = grad + (layer.W + first * layer.n_out) * size
                self.kernels.product(                                                           # dW = aᵀ delta
                    dW, layer.n_out, count, layer.n_out, m, below + first * size, 1, layer.n_in,
                    layer.delta, layer.n_out, 1, NULL, own.work,
                )
                if grad == NULL:
                    self.update(rule, dW, layer.W + first * layer.n_out, count * layer.n_out)
                first += count
            if layer.b >= 0 and share.worker == share.n_workers - 1:
                if grad != NULL:
                    dW = grad + layer.b * size
                self.kernels.column_sums(layer.delta, dW, m, layer.n_out)
                if grad == NULL:
                    self.update(rule, dW, layer.b, layer.n_out)
            below = layer.a

    cdef char* part_of(self, char* vector, Layer* layer, Py_ssize_t row) noexcept nogil:
        """Where the layer's row of W is in theta or in a state of its shape."""
        return vector + (layer.W + row * layer.n_out) * self.kernels.itemsize if vector != NULL else NULL

    cdef void update(self, Rule* rule, const char* dW, Py_ssize_t first, Py_ssize_t count) noexcept nogil:
        """One step of theta[first:first + count] from dW."""
        cdef Py_ssize_t offset = first * self.kernels.itemsize
        rule.update.apply(
            rule.theta + offset, dW, rule.state + offset if rule.state != NULL else NULL, count, rule.settings,
            rule.step,
        )


cdef inline void wait_for_all(team* t) noexcept nogil:
    if team_meet(t):
        team_go_on(t, False)


cdef class Job:
    """Batches for a team to go through, and what is to become of them: predictions, scores, a gradient, or steps."""

    cdef Plan plan
    cdef RowSource source
    cdef list arrays                # held until the job is done
    cdef const char* theta
    cdef char* out                  # (rows, n_outputs) for predictions; NULL unless they are wanted
    cdef char* grad                 # for the whole gradient; NULL unless it is wanted
    cdef Rule rule                  # its update is NULL unless steps are wanted
    cdef int64_t* steps             # two counts of the steps taken
    cdef double* totals             # weight, loss, each metric
    cdef Py_ssize_t next            # batch
    cdef Py_ssize_t end             # one past the last batch
    cdef team team

    def __cinit__(self, Plan plan, theta, RowSource source):
        self.plan = plan
        self.source = source
        self.arrays = []
        self.theta = self.keep(theta)
        self.end = (source.rows.count + plan.batch_size - 1) // plan.batch_size

    cdef char* keep(self, array, bint writable=False):
        """The array's data, which will be there as long as the job is; NULL for None."""
        cdef Array kept
        if array is None:
            return NULL
        kept = Array(array, writable)
        self.arrays.append(kept)
        return kept.data

    cdef run(self):
        """Go through all batches, with helpers where they are worth calling."""
        cdef environment before
        cdef Py_ssize_t n_workers = self.plan.n_workers
        cdef Py_ssize_t work = (self.end - self.next) * self.plan.batch_size * self.plan.n_params
        if work < <Py_ssize_t> CALL_WORK:
            n_workers = 1
        team_open(&self.team, n_workers)
        give_back = None
        try:
            give_back = call_helpers(self.help, n_workers - 1)
            with nogil:
                before = float_environment_set()
                team_gather(&self.team, min(work // WORK_PER_PAUSE, LONGEST_WAIT))
                self.work(0)
                float_environment_restore(before)
        finally:                # also if Ctrl-C came while they were called: who is at the gate would wait for ever
            team_close(&self.team)
            if give_back is not None:
                give_back()

    def help(self):
        """What a helper calls: it works with the team, if it comes in time. Its number there, or 0."""
        cdef environment before
        cdef Py_ssize_t worker
        with nogil:
            worker = team_enter(&self.team)
            if worker:
                before = float_environment_set()
                self.work(worker)
                float_environment_restore(before)
        return worker

    cdef void work(self, Py_ssize_t worker) noexcept nogil:
        cdef Rows* rows = &self.source.rows
        cdef Worker* own = &self.plan.workers[worker]
        cdef bint learns = self.grad != NULL or self.rule.update != NULL
        cdef Share share
        cdef const char* x
        share.worker, share.team = worker, &self.team
        while self.next < self.end:
            share.n_workers = team_size(&self.team)
            share.begin = self.next * self.plan.batch_size
            share.m = min(self.plan.batch_size, rows.count - share.begin)
            share.first = share.m * worker // share.n_workers
            share.count = share.m * (worker + 1) // share.n_workers - share.first
            share.by_columns = (
                learns and share.n_workers > 1 and share.m * self.plan.n_params >= WORK_BY_COLUMNS * share.n_workers)
            x = self.plan.load(rows, &share, own)
            if self.out != NULL and not self.plan.all_finite(x, &share):
                own.met_no_number = True
            self.plan.forward(self.theta, x, self.batch_output(&share), &share, own)
            if self.totals != NULL:
                self.plan.score(rows, &share, own)
            if learns:
                self.plan.backward(self.theta, &share, own)
                if team_meet(&self.team):
                    if not self.add_scores(&share, own):
                        self.end = self.next
                    team_go_on(&self.team, False)
                if self.end == self.next:
                    return
                self.plan.learn(&self.rule, self.grad, x, &share, own)
            if team_meet(&self.team):
                if learns:
                    self.count_step()
                elif self.totals != NULL:
                    self.add_scores(&share, own)
                self.next += 1
                team_go_on(&self.team, True)

    cdef char* batch_output(self, const Share* share) noexcept nogil:
        cdef Layer* last = &self.plan.layers[self.plan.n_layers - 1]
        return self.out + share.begin * last.n_out * self.plan.kernels.itemsize if self.out != NULL else NULL

    cdef bint add_scores(self, const Share* share, Worker* own) noexcept nogil:
        """Add the batch's scores to the totals, row after row, so that they are the same in batches of any size;
        whether the loss is finite."""
        cdef Py_ssize_t i, row
        cdef double* scores = self.plan.scores
        self.totals[0] = self.plan.weight(&self.source.rows, share, own, self.totals[0])
        for i in range(1 + self.plan.n_metrics):
            for row in range(share.m):
                self.totals[1 + i] += scores[row]
            scores += self.plan.batch_size
        return isfinite(self.totals[1])

    cdef void count_step(self) noexcept nogil:
        if self.steps != NULL:
            self.rule.step += 1
            self.steps[0] += 1
            self.steps[1] += 1


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
        self.rows.x_in_place = order is None and self.X.is_packed(plan.kind)
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
