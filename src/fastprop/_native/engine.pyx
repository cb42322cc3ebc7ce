"""A Plan: one network laid out in memory for one batch size, and the loops that run it without the GIL.

A network is a list of nodes, each one operation: a dense layer's product is one, its activation another.

    forward     a = node(x), x being the output of a node before
    backward    dC/dx from delta = dC/da
    learn       the gradient of the node's parameters, and theta from it by the optimizer's rule

What each kind of node does is in nodes.pxi, and which arrays share memory in layout.py. Memory is laid out once; a step
allocates nothing and cannot fail. The arithmetic is in the kernels; what may be refused has been refused in
`fastprop._checks`. theta, the optimizer's state, and a gradient that is asked for are the caller's, one flat vector
each. A plan serves one caller at a time.

A batch has two parts. Forward and backward go row by row, so each worker of the team takes some rows through the whole
network; learning sums over rows, so each takes a part of the parameters, some rows of every W. Between the two parts,
and after them, they meet. Large products are shared by columns instead, so that each worker reads only its columns of
W; then they meet before and after each product too.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY, isfinite, sqrt
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from numpy import array as array_of, dtype as dtype_of, empty, ndarray

from fastprop._native.arrays cimport Array
from fastprop._native.float_environment cimport environment, float_environment_restore, float_environment_set
from fastprop._native.kernels.table cimport NO_SLOPE, RELU_SLOPE, LayerArrays, LossRows, find, plain
from fastprop._native.layout import lay_out
from fastprop._native.philox cimport MASK
from fastprop._native.threads import CALL_WORK, Pace, call_helpers

cdef enum:
    # Batches of so few rows: dW = aᵀ delta is multiplied within the update and not written to memory, where W's rows
    # are whole cache lines (else each row's first load waits for the last one's store).
    FEW_ROWS = 4
    WORK_PER_PAUSE = 16000  # multiply-adds, 0.3 us or more, for each 20 ns of waiting: helpers may cost 7 % of the time
    LONGEST_WAIT = 50000    # pauses: 1 ms
    WORK_BY_COLUMNS = 3000000   # multiply-adds forward for each worker, 150 us: where meeting at each layer is nothing
    NEAR = 131072           # bytes of X that stay in the second-level cache beside the network
    COLUMNS_TOGETHER = 32   # of a product for one worker: whole vectors, whole cache lines


cdef class Plan:
    """One network for batches of up to `batch_size` rows.

    Parameters
    ----------
    capsule
        The kernels, from `fastprop._native.dispatch.kernels`.
    nodes
        The network, from x to its output (`fastprop._native.layout.Node`).
    batch_size
        The most rows of a batch.
    loss
        (name of the kernel, its settings, number of columns of y), and maybe a number by which the loss is multiplied.
        Without one the plan predicts, and with `to_inputs` steps back. In the name's place a function of (o, y, w,
        scale) to (losses, delta), as a kernel's but of arrays, is called for each batch as a whole, by the caller's own
        thread.
    metrics
        For each (name of the kernel, its setting).
    n_workers
        The most threads that share a batch.
    n_elements
        For a sparse X, the most elements of a batch.
    to_inputs
        Whether the step back goes on to dC/dx; without a loss, from whatever is put in dC/do's place.

    Raises
    ------
    MemoryError
        If there is no room; nothing is left allocated then.
    """

    def __cinit__(self, capsule, nodes, batch_size, loss=None, metrics=(), n_workers=1, n_elements=None,
                  to_inputs=False):
        cdef Py_ssize_t i
        cdef char* base
        self.kernels = <const Kernels*> PyCapsule_GetPointer(capsule, "fastprop kernels")
        self.kind = b"f" if self.kernels.itemsize == 4 else b"d"
        self.dtype = dtype_of(chr(self.kind))
        self.batch_size = batch_size
        self.n_workers = n_workers
        self.n_elements = -1 if n_elements is None else n_elements
        self.pace = Pace(n_workers)
        self.n_metrics = len(metrics)
        self.n_inputs, self.n_outputs = nodes[0].n_in, nodes[-1].n_out
        self.n_params = sum([laid.n_params for laid in nodes])
        loss_numbers, loss_gives_o = (), False
        if loss is not None:
            loss_name, loss_numbers, self.n_targets, *factor = loss
            self.loss_factor = factor[0] if factor else 1
            if callable(loss_name):
                self.loss, self.function = &IN_PYTHON, loss_name
            else:
                self.loss = <const Loss*> find(self.kernels.losses, sizeof(Loss), loss_name.encode())
            if self.loss.through != NULL and nodes[-1].activation:   # the loss steps back through it by itself
                loss_gives_o = True
                nodes = nodes[:-1] or [nodes[-1]._replace(kind="copy", activation="", settings=())]
        self.n_nodes = len(nodes)
        scheduled = [laid for laid in nodes if laid.schedule is not None]
        self.schedules = tuple([laid.schedule for laid in scheduled])
        self.first_settings = array_of([[number for laid in scheduled for number in laid.settings]], dtype=float)

        numbers = [loss_numbers, [setting for _, setting in metrics], *[laid.settings for laid in nodes]]
        others = others_of(nodes)
        learns = to_inputs or loss is not None
        places, widths = lay_out(nodes, learns, to_inputs, self.reads_z)
        offsets = offsets_of(self, nodes, batch_size, n_elements, learns, loss_gives_o, numbers, others, widths)
        self.memory = allocated(offsets.total)
        if self.memory == NULL:
            raise MemoryError(f"a batch of {batch_size} rows needs {offsets.total} bytes of working memory")
        base = aligned_in(self.memory, offsets.total)
        place_batch(self, base, offsets)
        place_numbers(self, base, offsets, numbers)
        for i, (name, _) in enumerate(metrics):
            self.metrics[i] = <const Metric*> find(self.kernels.metrics, sizeof(Metric), name.encode())
        for i, laid in enumerate(nodes):
            place_node(self, base, offsets, i, laid, places[i], places[-1], others[i])
        self.functions = []
        for i, laid in enumerate(nodes):
            self.set_kind(&self.nodes[i], laid)
        for i, laid in enumerate(nodes):
            if laid.inputs:
                self.fuse(&self.nodes[i], &self.nodes[<Py_ssize_t> laid.inputs[0]])

    cdef const Activation* activation(self, name) except NULL:
        return <const Activation*> find(self.kernels.activations, sizeof(Activation), name.encode())

    def reads_z(self, activation):
        """Whether the step back through the activation needs its z."""
        return self.activation(activation).reads_z

    cdef int set_kind(self, Node* node, laid) except -1:
        """What the node does, and where its numbers stand."""
        cdef const Kind* kind = <const Kind*> find(KINDS, sizeof(Kind), laid.kind.encode())
        cdef Py_ssize_t i
        node.forward, node.backward, node.learn = kind.forward, kind.backward, kind.learn
        node.activation, node.rectifies, node.product, node.below = NULL, False, NULL, NULL
        node.array, node.number, node.buffer = laid.array, laid.number, laid.buffer
        node.capacity = self.batch_size
        node.W = laid.start
        node.b = node.W + node.n_in * node.n_out if laid.use_bias else -1
        if laid.kind == "product":
            node.rows_at_once = rows_at_once(laid.n_in, laid.n_out, self.kernels.itemsize)
            node.gradient_rows = gradient_rows
            node.few_rows = laid.n_out * self.kernels.itemsize % ALIGNMENT == 0
            if self.n_elements >= 0 and not laid.inputs:
                node.forward, node.gradient_rows, node.few_rows = sparse_product_forward, sparse_gradient_rows, False
        if laid.activation:
            node.activation = self.activation(laid.activation)
        if laid.functions is not None:
            self.functions.append(laid.functions)
            node.functions, node.plan, self.calls_python = <void*> laid.functions, <void*> self, True
        needed = node.delta_in != NULL
        for i in range(node.n_others):
            needed = needed or node.others[i].delta != NULL
        keeps_means = laid.kind == "batch_norm"     # and learns from sums on the way back
        if not needed and not (keeps_means and laid.n_params):
            node.backward = NULL
        if not laid.n_params and not keeps_means:
            node.learn = NULL
        if laid.kind == "affine" and node.settings[1] == 2:
            for i in range(node.n_out):
                if self.kind == b"f":
                    (<float*> node.fixed)[i] = <float> node.settings[3]
                else:
                    (<double*> node.fixed)[i] = node.settings[3]
        return 0

    cdef void fuse(self, Node* node, Node* below) noexcept:
        """Let a product and the relu above it be one pass over memory, and so a product and the relu or tanh below it
        on the way back."""
        cdef bint is_relu = node.activation != NULL and node.activation.slope == RELU_SLOPE
        if is_relu and node.a == node.x and below.forward == product_forward:
            node.forward, node.product, below.rectifies = relu_forward, below, True
        if node.backward != product_backward or below.backward != activation_backward:
            return
        if below.activation.slope != NO_SLOPE:
            node.below, below.backward = below, NULL

    def __dealloc__(self):
        free(self.memory)

    # What Python calls: arrays enter, the GIL goes, the loops run.

    def answer(self, theta, buffers, X):
        """The network's output o for each row of X, at most `batch_size`, in a new array; or None where that takes
        the checks and the `predict` below: for what is no plain matrix of finite numbers, or too many rows.

        For a few rows what surrounds the arithmetic costs most. So there is no Job here, no team, and the GIL is kept,
        which also means that callers come one by one; without a GIL, one who finds the plan in use gets None.
        """
        cdef RowSource source
        cdef Array out, parameters, constants
        cdef Share share
        cdef environment before
        cdef bint finite
        if self.calls_python or type(X) is not ndarray:
            return None
        try:
            source = RowSource(self, X)
        except Exception:       # elements that the checks convert or refuse
            return None
        if source.X.view.ndim != 2 or source.X.shape[1] != self.n_inputs or not (
                0 < source.rows.count <= self.batch_size):
            return None
        o = empty((source.rows.count, self.n_outputs), self.dtype)
        out = Array(o, True)
        parameters = Array(theta)
        share = Share(
            epoch=0, begin=0, m=source.rows.count, first=0, count=source.rows.count, x_first=0,
            x_count=source.rows.count, worker=0, n_workers=1, by_columns=False, team=NULL, kernels=self.kernels,
            own=&self.workers[0], theta=parameters.data, buffers=NULL, seed=0, step=0, x=NULL, ahead=NULL,
            elements=NULL, out=out.data, rule=NULL, grad=NULL, outputs=NULL,
        )
        if buffers is not None:
            constants = Array(buffers)
            share.buffers = constants.data
        # From here to the end no Python runs, which could let another thread in.
        if atomic_increment(&self.callers) > 1:
            return None
        before = float_environment_set()
        self.load(&source.rows, &share)
        finite = self.forward_of_finite(&share)
        float_environment_restore(before)
        atomic_set(&self.callers, 0)
        return o if finite else None

    def predict(self, theta, buffers, X, out):
        """out (m, n_outputs) = the network's output o for each row of X; whether all X was finite in its type."""
        cdef Job job = Job(self, theta, buffers, RowSource(self, X))
        cdef Py_ssize_t i
        job.out = job.keep(out, True)
        for i in range(self.n_workers):
            self.workers[i].met_no_number = False
        job.run()
        return not any([self.workers[i].met_no_number for i in range(self.n_workers)])

    def evaluate(self, theta, buffers, X, Y, w, totals, mean_w=None, outputs=None):
        """Add sums over X's rows to totals (3 + n_metrics,): of the loss's weights, the weighted loss, the weights, and
        each weighted metric. The loss's weights, by whose sum it is to be divided, are mean_w where that is given.
        outputs (rows, n_outputs), where it is given, gets each row's."""
        cdef Job job = Job(self, theta, buffers, RowSource(self, X, Y, w, None, mean_w))
        job.outputs = job.keep(outputs, True)
        job.totals = <double*> job.keep(totals, True)
        job.run()

    def gradient(self, theta, buffers, grad, X, Y, w, seed, totals, mean_w=None):
        """grad (n_batches, n_params): each row becomes dC/dtheta over a batch of X; totals and mean_w as in `evaluate`.
        Where random numbers are drawn, they are those of the first step with that seed."""
        cdef Job job = Job(self, theta, buffers, RowSource(self, X, Y, w, None, mean_w))
        job.take_node_settings(self.first_settings)
        job.totals = <double*> job.keep(totals, True)
        job.grad = job.keep(grad, True)
        job.seed = seed
        job.run()

    def input_gradient(self, theta, buffers, dX, X, Y, w, totals, mean_w=None):
        """dX, of X's shape, = dC/dX over all rows of X as one batch; the plan goes `to_inputs`."""
        cdef Job job = Job(self, theta, buffers, RowSource(self, X, Y, w, None, mean_w))
        job.totals = <double*> job.keep(totals, True)
        job.dX = job.keep(dX, True)
        job.run()

    def jacobian(self, theta, buffers, J, X):
        """J (m, n_outputs n_inputs): do/dx for each row of X, output after output; the plan goes `to_inputs`."""
        cdef Job job = Job(self, theta, buffers, RowSource(self, X))
        job.J = job.keep(J, True)
        job.run()

    def train(self, theta, buffers, X, Y, w, order, first, last, rule, seed, totals, mean_w=None, outputs=None,
              node_settings=None, objective=None):
        """Take the batches first..last - 1 over X[order], order None for X as it stands, and the steps that fall due.

        Of several epochs order holds one after the other, batches count through all of them, and totals has a row for
        each. theta, buffers and the rule's arrays change in place; totals, mean_w and outputs as in `evaluate`, but
        outputs, of one epoch alone, are from before each batch's step, in the epoch's order. The number of batches that
        were taken is added to the first of rule.steps, so that a caller whom an interrupt keeps from a return value
        still knows it. Fewer than asked for were taken where a batch's loss was not finite; nothing is learnt from that
        one then.

        Parameters
        ----------
        rule
            A `fastprop._native.layout.Rule`.
        node_settings
            For the nodes whose settings have `schedules` (n_rows, n), a row per batch; the last holds for all later.
        objective
            A `fastprop._native.layout.Objective`, whose totals are added to, where it is wanted.
        """
        cdef Job job = Job(self, theta, buffers, RowSource(self, X, Y, w, order, mean_w))
        job.take_node_settings(node_settings)
        job.outputs = job.keep(outputs, True)
        job.totals = <double*> job.keep(totals, True)
        job.seed = seed
        job.next, job.end = first, last
        job.rule.theta = job.keep(theta, True)
        job.take_rule(rule)
        if objective is not None:
            job.objective.totals = <double*> job.keep(objective.totals, True)
            job.objective.arrays = <const int64_t*> job.keep(objective.arrays)
            job.objective.squares = <double*> job.keep(objective.squares, True)
            job.objective.magnitudes = <double*> job.keep(objective.magnitudes, True)
        job.run()

    # A batch, as a worker goes through it: its rows up and down the network, then its part of each W.

    cdef void load(self, const Rows* rows, Share* share) noexcept nogil:
        """The batch's x, of which the worker has gathered its rows, or all; its rows of y; the weights whole, for their
        sum."""
        cdef Py_ssize_t n_in = self.n_inputs, n_y = self.n_targets
        cdef Py_ssize_t size = self.kernels.itemsize, begin = share.begin + share.first
        cdef char* y = self.y + share.first * n_y * size
        if rows.y_labels:
            self.kernels.gather_one_hot(<const int64_t*> rows.Y, rows.order, begin, share.count, n_y, y)
        elif rows.Y != NULL:
            self.kernels.gather(
                rows.y_kind, rows.Y, rows.y_strides[0], rows.y_strides[1], rows.order, begin, share.count, n_y, y)
        if rows.w != NULL:
            self.kernels.gather(
                rows.w_kind, rows.w, rows.w_stride, 0, rows.order, share.begin, share.m, 1, share.own.w)
        if rows.mean_w != NULL:
            self.kernels.gather(
                rows.mean_w_kind, rows.mean_w, rows.mean_w_stride, 0, rows.order, share.begin, share.m, 1,
                share.own.mean_w)
        if rows.columns != NULL:
            self.load_sparse(rows, share)
            return
        if rows.x_in_place:
            share.x = rows.X + share.begin * rows.x_strides[0]
            return
        share.x = share.own.x
        self.kernels.gather(
            rows.x_kind, rows.X, rows.x_strides[0], rows.x_strides[1], rows.order, share.begin + share.x_first,
            share.x_count, n_in, share.own.x + share.x_first * n_in * size,
        )
        if rows.scattered:
            self.expect(rows, share)

    cdef void expect(self, const Rows* rows, const Share* share) noexcept nogil:
        """Ask for the rows that the worker will want in the next batch."""
        cdef Py_ssize_t begin = share.begin + share.m, at_x = begin + share.x_first, at_y = begin + share.first
        cdef Ahead of_y
        self.kernels.expect(
            share.ahead, rows.X, rows.x_strides[0], self.n_inputs * rows.x_strides[1], rows.order + at_x,
            min(share.x_count, rows.n_ordered - at_x), <double> share.count * self.n_params)
        if rows.Y != NULL:
            self.kernels.expect(
                &of_y, rows.Y, rows.y_strides[0],
                sizeof(int64_t) if rows.y_labels else self.n_targets * rows.y_strides[1], rows.order + at_y,
                min(share.count, rows.n_ordered - at_y), 0)

    cdef void load_sparse(self, const Rows* rows, Share* share) noexcept nogil:
        """The elements of the worker's rows, after those of the rows before."""
        cdef Py_ssize_t i, row, count, at = 0, size = self.kernels.itemsize
        share.elements = &self.elements
        for i in range(share.first + share.count):
            row = rows.order[share.begin + i] if rows.order != NULL else share.begin + i
            count = rows.row_starts[row + 1] - rows.row_starts[row]
            if i >= share.first:
                self.elements.starts[i] = at
                self.elements.ends[i] = at + count
                self.kernels.gather_sparse(
                    rows.x_kind, rows.X + rows.row_starts[row] * (4 if rows.x_kind == b"f" else 8), rows.columns_wide,
                    rows.columns + rows.row_starts[row] * (8 if rows.columns_wide else 4), count,
                    self.elements.values + at * size, self.elements.columns + at,
                )
            at += count

    cdef bint all_finite(self, const Share* share) noexcept nogil:
        """Whether the worker's rows of x are."""
        cdef Py_ssize_t n_in = self.n_inputs, first
        if self.n_elements >= 0 and share.count > 0:
            first = self.elements.starts[share.first]
            return self.kernels.all_finite(
                self.elements.values + first * self.kernels.itemsize,
                self.elements.ends[share.first + share.count - 1] - first)
        return self.kernels.all_finite(share.x + share.first * n_in * self.kernels.itemsize, share.count * n_in)

    cdef void forward(self, const Share* share, Py_ssize_t first) noexcept nogil:
        """Each node's a from the first on, for the worker's rows."""
        cdef Py_ssize_t i
        for i in range(first, self.n_nodes):
            self.nodes[i].forward(&self.nodes[i], share)

    cdef bint forward_of_finite(self, const Share* share) noexcept nogil:
        """The same, and whether the worker's rows of x are finite. Each column of a product tells that no element is
        infinite or NaN, since no sum loses one; where one overflowed, x is looked at."""
        cdef Node* first = &self.nodes[0]
        cdef bint finite
        first.forward(first, share)
        finite = (first.forward == product_forward and column_is_finite(first, share)) or self.all_finite(share)
        self.forward(share, 1)
        return finite

    cdef double weight(self, const Rows* rows, const Share* share, double before) noexcept nogil:
        """`before` and the batch's weights, added to it row after row."""
        return self.kernels.weight_sum(before, share.own.w, share.m) if rows.w != NULL else before + share.m

    cdef double mean_weight(self, const Rows* rows, const Share* share, double before) noexcept nogil:
        """The same of the weights by whose sum the loss is divided."""
        if rows.mean_w == NULL:
            return self.weight(rows, share, before)
        return self.kernels.weight_sum(before, share.own.mean_w, share.m)

    cdef void score(self, const Rows* rows, const Share* share) noexcept nogil:
        """Each row's loss, and the gradient of the batch's mean loss into the last node's delta."""
        cdef Node* last = &self.nodes[self.n_nodes - 1]
        cdef Py_ssize_t size = self.kernels.itemsize, at = share.first * last.n_out * size
        cdef double weight = self.mean_weight(rows, share, 0)
        cdef const char* w = share.own.w + share.first * size if rows.w != NULL else NULL
        cdef char* o = self.o + at if self.o != NULL and (self.n_metrics or share.outputs != NULL) else NULL
        cdef LossRows batch = LossRows(
            o_or_z=last.a + at, y=self.y + share.first * self.n_targets * size, w=w, delta=last.delta + at, o=o,
            losses=self.scores + share.first, m=share.count, n=last.n_out, n_targets=self.n_targets,
            settings=self.loss_settings, scale=self.loss_factor / weight if weight > 0 else 0)
        self.loss.rows(&batch)
        self.multiply_losses(share.first, share.count)

    cdef void multiply_losses(self, Py_ssize_t first, Py_ssize_t count) noexcept nogil:
        cdef Py_ssize_t i
        if self.loss_factor != 1:
            for i in range(first, first + count):
                self.scores[i] *= self.loss_factor

    cdef void call_function(self, const Rows* rows, const Share* share) noexcept with gil:
        """The same for the whole batch by the function. It gets copies: what it keeps stays as it is."""
        cdef Node* last = &self.nodes[self.n_nodes - 1]
        cdef Py_ssize_t size = self.kernels.itemsize
        cdef double weight = self.mean_weight(rows, share, 0)
        try:
            o = self.copied(last.a, (share.m, last.n_out))
            y = self.copied(self.y, (share.m, self.n_targets))
            w = self.copied(share.own.w, (share.m,)) if rows.w != NULL else None
            losses, delta = self.function(o, y, w, self.loss_factor / weight if weight > 0 else 0)
            memcpy(self.scores, Array(losses).data, share.m * sizeof(double))
            self.multiply_losses(0, share.m)
            memcpy(last.delta, Array(delta).data, share.m * last.n_out * size)
        except BaseException as error:
            self.error, self.failed = error, True

    cdef copied(self, const char* reals, shape):
        array = empty(shape, self.dtype)
        memcpy(Array(array, True).data, reals, array.nbytes)
        return array

    cdef void look(self, const Rows* rows, const Share* share) noexcept nogil:
        """Each row's metrics, and its output to where outputs are collected."""
        cdef Node* last = &self.nodes[self.n_nodes - 1]
        cdef Py_ssize_t i, size = self.kernels.itemsize, row = last.n_out * size
        cdef double* scores = self.scores + share.first
        cdef const char* output = (self.o if self.o != NULL else last.a) + share.first * row
        for i in range(self.n_metrics):
            scores += self.batch_size
            self.metrics[i].rows(
                output, self.y + share.first * self.n_targets * size,
                share.own.w + share.first * size if rows.w != NULL else NULL, scores, share.count, last.n_out,
                self.metric_settings[i])
        if share.outputs != NULL:
            memcpy(share.outputs + (share.begin + share.first) * row, output, share.count * row)

    cdef void backward(self, const Share* share) noexcept nogil:
        """From the last node's delta down to the first that something below learns from."""
        cdef Py_ssize_t i
        for i in range(self.n_nodes - 1, -1, -1):
            if self.nodes[i].backward != NULL:
                self.nodes[i].backward(&self.nodes[i], share)

    cdef void copy_input_delta(self, const Share* share, char* to, Py_ssize_t row) noexcept nogil:
        """The worker's rows of what the step back left at the inputs, `row` reals apart."""
        cdef Py_ssize_t i, size = self.kernels.itemsize, n = self.n_inputs * size
        for i in range(share.first, share.first + share.count):
            memcpy(to + (share.begin + i) * row * size, self.nodes[0].delta_in + i * n, n)

    cdef void step_back_from_each_output(self, const Share* share, char* J) noexcept nogil:
        """do/dx of the worker's rows: for each output the step back from 1 there and 0 at the others."""
        cdef Py_ssize_t i, j, size = self.kernels.itemsize
        cdef char* delta = self.nodes[self.n_nodes - 1].delta
        for j in range(self.n_outputs):
            memset(delta + share.first * self.n_outputs * size, 0, share.count * self.n_outputs * size)
            for i in range(share.first, share.first + share.count):
                if self.kind == b"f":
                    (<float*> delta)[i * self.n_outputs + j] = 1
                else:
                    (<double*> delta)[i * self.n_outputs + j] = 1
            self.backward(share)
            self.copy_input_delta(share, J + j * self.n_inputs * size, self.n_outputs * self.n_inputs)

    cdef void learn(self, const Share* share) noexcept nogil:
        """The worker's part of each node's gradient, and a step by the rule from it."""
        cdef Py_ssize_t i
        for i in range(self.n_nodes):
            if self.nodes[i].learn != NULL:
                self.nodes[i].learn(&self.nodes[i], share)


cdef Loss IN_PYTHON = Loss(b"python", NULL, NULL)

include "memory.pxi"
include "learning.pxi"
include "objective.pxi"
include "nodes.pxi"
include "nodes_branches.pxi"
include "nodes_random.pxi"
include "nodes_normalization.pxi"
include "nodes_functions.pxi"
include "nodes_learnt.pxi"
include "nodes_columns.pxi"
include "node_kinds.pxi"
include "jobs.pxi"
