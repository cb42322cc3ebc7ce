# Batches at work: a Job, the stints in which teams go through it, and the rows that it reads.


cdef class Stint:
    """Some of a job's batches, and the team that goes through them."""

    cdef Job job
    cdef Py_ssize_t end             # one past the last batch
    cdef team team

    def help(self):
        """What a helper calls: it works with the team, if it comes in time. Its number there, or 0."""
        cdef environment before
        cdef Py_ssize_t worker
        with nogil:
            worker = team_enter(&self.team)
            if worker:
                before = float_environment_set()
                self.job.work(self, worker)
                float_environment_restore(before)
        return worker


cdef class Job:
    """Batches for a team to go through, and what is to become of them: predictions, scores, a gradient, or steps."""

    cdef Plan plan
    cdef RowSource source
    cdef list arrays                # held until the job is done
    cdef const char* theta
    cdef char* buffers
    cdef uint64_t seed              # of the random numbers drawn in training
    cdef char* out                  # (rows, n_outputs) for predictions; NULL unless they are wanted
    cdef char* grad                 # (n_batches, n_params) for whole gradients; NULL unless they are wanted
    cdef char* dX                   # (rows, n_inputs) for dC/dX; NULL unless it is wanted
    cdef char* J                    # (rows, n_outputs, n_inputs) for do/dx; NULL unless it is wanted
    cdef char* outputs              # (rows, n_outputs) beside scores; NULL unless they are wanted
    cdef Rule rule                  # its update is NULL unless steps are wanted
    cdef Objective objective
    cdef double* totals             # (n_epochs, 3 + n_metrics): the loss's weight, loss, weight, each metric
    cdef const double* node_settings    # (n_rows, n): what the nodes' schedules give for each batch, the last for all
    cdef Py_ssize_t n_rows              # later ones; NULL where there are none
    cdef Py_ssize_t first           # batch
    cdef Py_ssize_t next            # batch
    cdef Py_ssize_t end             # one past the last batch
    cdef Py_ssize_t of_an_epoch     # batches; what comes after them is the next epoch's

    def __cinit__(self, Plan plan, theta, buffers, RowSource source):
        self.plan = plan
        self.source = source
        self.arrays = []
        self.theta = self.keep(theta)
        self.buffers = self.keep(buffers, True)
        self.end = self.of_an_epoch = (source.rows.count + plan.batch_size - 1) // plan.batch_size

    cdef char* keep(self, array, bint writable=False):
        """The array's data, which will be there as long as the job is; NULL for None."""
        cdef Array kept
        if array is None:
            return NULL
        kept = Array(array, writable)
        self.arrays.append(kept)
        return kept.data

    cdef take_rule(self, rule):
        """A `fastprop._native.layout.Rule`, as the engine reads it."""
        cdef Rule* own = &self.rule
        cdef const Kernels* kernels = self.plan.kernels
        cdef char* vectors = self.keep(rule.vectors, True)
        cdef Py_ssize_t stride = rule.vectors.shape[1], n_states = rule.n_states
        own.update = <const Update*> find(kernels.updates, sizeof(Update), rule.kernel.encode())
        own.state, own.stride = vectors, stride
        own.n_rows, own.n_groups, own.n_settings = rule.settings.shape
        own.settings = <const double*> self.keep(rule.settings.reshape(own.n_rows, -1))
        own.groups = <const int64_t*> self.keep(rule.groups)
        own.n_arrays = len(rule.groups)
        own.steps = <int64_t*> self.keep(rule.steps, True)
        own.accumulate = 1
        options = rule.options
        if options is None:
            return
        own.options = <const double*> self.keep(options.numbers.reshape(own.n_rows, -1))
        own.arrays = <const int64_t*> self.keep(options.arrays)
        own.accumulate = options.accumulate
        own.shapes, own.measures, own.limits = options.shapes, options.measures, options.limits
        own.squares = <double*> self.keep(options.squares, True)
        own.factors = <double*> self.keep(options.factors, True)
        if options.averages:
            own.average = vectors + n_states * stride * kernels.itemsize
            n_states += 1
        if options.writes_down:
            own.gradient = vectors + n_states * stride * kernels.itemsize
            own.batch_gradient = own.gradient + stride * kernels.itemsize

    cdef take_node_settings(self, rows):
        """Numbers for the nodes whose settings change from batch to batch, a row for each."""
        if self.plan.schedules:
            self.n_rows = len(rows)
            self.node_settings = <const double*> self.keep(rows)

    cdef void settle(self) noexcept nogil:
        """Give the nodes their numbers for the batch at hand."""
        cdef Py_ssize_t i, row = min(self.next - self.first, self.n_rows - 1), n = 0
        cdef const double* numbers
        cdef Node* node
        for i in range(self.plan.n_nodes):
            n += self.plan.nodes[i].n_scheduled
        numbers = self.node_settings + row * n
        for i in range(self.plan.n_nodes):
            node = &self.plan.nodes[i]
            memcpy(node.settings, numbers, node.n_scheduled * sizeof(double))
            numbers += node.n_scheduled

    cdef bint learns(self) noexcept nogil:
        return self.grad != NULL or self.rule.update != NULL

    cdef Py_ssize_t work_left(self) noexcept nogil:
        """In multiply-adds: going forward, and where something is learnt as many back, and for the gradient."""
        return (self.end - self.next) * self.plan.batch_size * self.plan.n_params * (3 if self.learns() else 1)

    cdef run(self):
        """Go through all batches, with helpers where they are worth calling: of steps, as long as the clock says so."""
        cdef Py_ssize_t first
        self.plan.failed = False
        self.first = self.next
        if self.node_settings != NULL:
            self.settle()
        if self.plan.n_workers == 1 or self.work_left() < <Py_ssize_t> CALL_WORK:
            self.run_until(self.end, 1)
        elif self.rule.update == NULL:
            self.run_until(self.end, self.plan.n_workers)
        else:
            while self.next < self.end:
                n_workers, n_batches = self.plan.pace.stint()
                first = self.next
                seconds = self.run_until(min(self.next + n_batches, self.end), n_workers)
                self.plan.pace.note(n_workers, max(1, self.next - first), seconds)
        if self.plan.failed:
            error, self.plan.error = self.plan.error, None
            raise error

    cdef run_until(self, Py_ssize_t end, Py_ssize_t n_workers):
        """A stint of so many workers; returns how long it took, from when it no longer waited for helpers to come, nor
        for the GIL. The wait is as the whole job is worth it, so that a trial, too, begins with all."""
        cdef environment before
        cdef double start, seconds
        cdef Stint stint = Stint()
        stint.job, stint.end = self, end
        team_open(&stint.team, n_workers)
        give_back = None
        try:
            give_back = call_helpers(stint.help, n_workers - 1)
            with nogil:
                before = float_environment_set()
                team_gather(&stint.team, min(self.work_left() // WORK_PER_PAUSE, LONGEST_WAIT))
                start = seconds_now()
                self.work(stint, 0)
                seconds = seconds_now() - start
                float_environment_restore(before)
            return seconds
        finally:                # also if Ctrl-C came while they were called: who is at the gate would wait for ever
            team_close(&stint.team)
            if give_back is not None:
                give_back()

    cdef void work(self, Stint stint, Py_ssize_t worker) noexcept nogil:
        cdef Rows* rows = &self.source.rows
        cdef Worker* own = &self.plan.workers[worker]
        cdef bint learns = self.learns()
        cdef Share share
        cdef Ahead ahead
        ahead.n_left, share.ahead = 0, &ahead
        share.worker, share.team = worker, &stint.team
        share.kernels, share.own, share.theta = self.plan.kernels, own, self.theta
        share.buffers, share.seed = self.buffers, self.seed
        share.rule, share.outputs = &self.rule, self.outputs
        share.elements = NULL
        while self.next < stint.end:
            share.n_workers = team_size(share.team)
            share.epoch = self.next // self.of_an_epoch
            share.begin = (self.next - share.epoch * self.of_an_epoch) * self.plan.batch_size
            share.m = min(self.plan.batch_size, rows.count - share.begin)
            if rows.order != NULL:
                share.begin += share.epoch * rows.count
            share.first = share.m * worker // share.n_workers
            share.count = share.m * (worker + 1) // share.n_workers - share.first
            share.x_first, share.x_count = share.first, share.count
            if self.plan.x_for_each and learns and share.n_workers > 1:
                share.x_first, share.x_count = 0, share.m
            share.by_columns = (
                learns and share.n_workers > 1 and share.m * self.plan.n_params >= WORK_BY_COLUMNS * share.n_workers)
            share.out = self.batch_output(&share)
            share.grad = self.batch_gradient()
            share.step = self.rule.steps[0] if self.rule.steps != NULL else 0
            self.plan.load(rows, &share)
            if self.out == NULL:
                self.plan.forward(&share, 0)
            elif not self.plan.forward_of_finite(&share):
                own.met_no_number = True
            if self.plan.calls_python and not self.functions_returned(stint):
                return
            if self.totals != NULL:
                if self.plan.loss.rows != NULL:
                    self.plan.score(rows, &share)
                elif not self.score_together(stint, &share):
                    return
                if self.plan.n_metrics or share.outputs != NULL:
                    self.plan.look(rows, &share)
            if self.J != NULL:
                self.plan.step_back_from_each_output(&share, self.J)
            if learns or self.dX != NULL:
                self.plan.backward(&share)
            if self.dX != NULL:
                self.plan.copy_input_delta(&share, self.dX, self.plan.n_inputs)
            if learns:
                if self.objective.totals != NULL:
                    measure_parameters(&self.objective, &share)
                if team_meet(share.team):
                    if (not self.add_scores(&share) and self.grad == NULL) or self.plan.failed:
                        self.stop(stint)
                    team_go_on(share.team, False)
                if stint.end == self.next:
                    return
                self.plan.learn(&share)
                if self.rule.gradient != NULL:
                    follow(&share)
            if team_meet(share.team):
                if learns:
                    if self.rule.update != NULL:
                        count_batch(&self.rule)
                elif self.totals != NULL:
                    self.add_scores(&share)
                self.next += 1
                if self.plan.failed:
                    self.stop(stint)
                if self.node_settings != NULL and self.next < self.end:
                    self.settle()
                team_go_on(share.team, True)

    cdef void stop(self, Stint stint) noexcept nogil:
        """Before the batch at hand. Workers hear it from their stint: before the last has looked, the job may be in its
        next one, and the plan at work on another job."""
        stint.end = self.end = self.next

    cdef bint functions_returned(self, Stint stint) noexcept nogil:
        """Whether those of the nodes did, for every worker; asked where all meet, so that all hear the same."""
        if team_meet(&stint.team):
            if self.plan.failed:
                self.stop(stint)
            team_go_on(&stint.team, False)
        return self.next < stint.end

    cdef bint score_together(self, Stint stint, const Share* share) noexcept nogil:
        """The batch's losses by the plan's function, which the caller's thread calls; whether it returned."""
        wait_for_all(share.team)
        if share.worker == 0:
            self.plan.call_function(&self.source.rows, share)
            if self.plan.failed:
                self.stop(stint)
        wait_for_all(share.team)
        return self.next < stint.end

    cdef char* batch_output(self, const Share* share) noexcept nogil:
        cdef Py_ssize_t row = self.plan.n_outputs * self.plan.kernels.itemsize
        return self.out + share.begin * row if self.out != NULL else NULL

    cdef char* batch_gradient(self) noexcept nogil:
        """Where nodes write their gradients to, if they are to."""
        if self.grad != NULL:
            return self.grad + self.next * self.plan.n_params * self.plan.kernels.itemsize
        if self.rule.gradient != NULL and self.rule.steps[PENDING] > 0:
            return self.rule.batch_gradient
        return self.rule.gradient

    cdef bint add_scores(self, const Share* share) noexcept nogil:
        """Add the batch's scores to the totals, row after row, so that they are the same in batches of any size;
        whether the loss is finite."""
        cdef Py_ssize_t i, row
        cdef double* scores = self.plan.scores
        cdef double* totals = self.totals + share.epoch * (3 + self.plan.n_metrics)
        totals[0] = self.plan.mean_weight(&self.source.rows, share, totals[0])
        totals[2] = self.plan.weight(&self.source.rows, share, totals[2])
        for i in range(1 + self.plan.n_metrics):
            for row in range(share.m):
                totals[1 + i + (i > 0)] += scores[row]
            scores += self.plan.batch_size
        if self.objective.totals != NULL:
            self.add_objective(share)
        return isfinite(totals[1])

    cdef void add_objective(self, const Share* share) noexcept nogil:
        """The batch's mean loss and its penalty, for each of its rows."""
        cdef double weight = self.plan.mean_weight(&self.source.rows, share, 0), loss = 0
        cdef double* totals = self.objective.totals + 2 * share.epoch
        cdef Py_ssize_t row
        for row in range(share.m):
            loss += self.plan.scores[row]
        loss = loss / weight if weight > 0 else 0
        totals[0] += share.m * (loss + penalty(&self.objective, &self.rule))
        totals[1] += share.m


cdef class RowSource:
    """The caller's arrays as the engine reads them, held while it does."""

    cdef Rows rows
    cdef Array X
    cdef Array columns
    cdef Array row_starts
    cdef Array Y
    cdef Array w
    cdef Array mean_w
    cdef Array order

    def __cinit__(self, Plan plan, X, Y=None, w=None, order=None, mean_w=None):
        if plan.n_elements >= 0:        # X is SparseRows
            self.X, self.columns, self.row_starts = Array(X.data), Array(X.columns), Array(X.starts)
            self.rows.columns = self.columns.data
            self.rows.columns_wide = self.columns.kind == b"q"
            self.rows.row_starts = <const int64_t*> self.row_starts.data
            self.rows.count = self.row_starts.shape[0] - 1
        else:
            self.X = Array(X)
            self.rows.x_strides = self.X.strides
            self.rows.x_in_place = order is None and self.X.is_packed(plan.kind)
            self.rows.count = self.X.shape[0]
        self.rows.X = self.X.data
        self.rows.x_kind = self.X.kind
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
        if mean_w is not None:
            self.mean_w = Array(mean_w)
            self.rows.mean_w = self.mean_w.data
            self.rows.mean_w_kind = self.mean_w.kind
            self.rows.mean_w_stride = self.mean_w.strides[0]
        if order is not None:
            self.order = Array(order)
            self.rows.order = <const Py_ssize_t*> self.order.data
            self.rows.scattered = (     # 0 for a sparse X
                self.rows.count * plan.n_inputs * self.rows.x_strides[1] > NEAR and self.rows.x_strides[1] <= ALIGNMENT)
            self.rows.n_ordered = self.order.shape[0]
