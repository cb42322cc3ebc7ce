# A plan's memory: one allocation, the arena, and where in it each part stands.

from collections import namedtuple

cdef enum:
    ALIGNMENT = 64          # bytes: a cache line, and the widest vector
    GRADIENT_AT_ONCE = 262144   # bytes of dW between two updates, for the second-level cache
    COLUMN_AT_ONCE = 960    # bytes, 240 or 120 rows of dW, at least: reading delta anew for each lot costs as well
    X_FOR_EACH = 1048576    # bytes of a batch's x that each worker gathers whole, rather than read what others wrote

Offsets = namedtuple("Offsets", [
    "total", "nodes", "workers", "metrics", "numbers", "others", "x", "columns", "starts", "ends", "y", "o", "scores",
    "buffers", "fixed", "x_for_each", "own",
])
OwnOffsets = namedtuple("OwnOffsets", ["work", "dW", "w", "mean_w", "x"])      # one worker's


class Parts:
    """Offsets of an arena's parts, each aligned."""

    def __init__(self):
        self.total = 0

    def add(self, n_bytes):
        offset = self.total
        self.total += (n_bytes + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        return offset


cdef offsets_of(Plan plan, nodes, batch_size, n_elements, bint learns, bint loss_gives_o, numbers, others, widths):
    """Each part's offset from the arena's start, in Python's integers, which cannot overflow. `numbers` and `others`
    are lists of settings and of nodes; `widths` those of the buffers that `lay_out` wants."""
    parts = Parts()
    add, itemsize = parts.add, plan.kernels.itemsize
    n_workers, n_inputs, n_outputs, n_targets = plan.n_workers, plan.n_inputs, plan.n_outputs, plan.n_targets
    learning, sparse_rows = (itemsize if learns else 0), (0 if n_elements is None else batch_size)
    x_size = (batch_size * n_inputs if n_elements is None else n_elements) * itemsize
    x_for_each = learns and n_workers > 1 and n_elements is None and x_size <= X_FOR_EACH
    dW_size = max([gradient_at_once(laid, itemsize) for laid in nodes]) * learning
    work_size = work_of(plan.kernels, nodes, batch_size, learns) * itemsize
    if n_elements is not None:
        work_size = max(work_size, dW_size)
    offsets = Offsets(
        total=0,
        nodes=add(len(nodes) * sizeof(Node)),
        workers=add(n_workers * sizeof(Worker)),
        metrics=add(plan.n_metrics * sizeof(void*)),
        numbers=[add(len(each) * sizeof(double)) for each in numbers],
        others=[add(len(each) * sizeof(void*)) for each in others],
        x=add(0 if x_for_each else x_size),
        columns=add((n_elements or 0) * sizeof(Py_ssize_t)),
        starts=add(sparse_rows * sizeof(Py_ssize_t)),
        ends=add(sparse_rows * sizeof(Py_ssize_t)),
        y=add(batch_size * n_targets * learning),
        o=add(batch_size * n_outputs * itemsize) if loss_gives_o else None,
        scores=add(batch_size * (1 + plan.n_metrics) * sizeof(double)),
        buffers=[add(batch_size * width * itemsize) for width in widths],
        fixed=[add(laid.fixed * itemsize) for laid in nodes],
        x_for_each=x_for_each,
        own=[
            OwnOffsets(
                work=add(work_size), dW=add(dW_size), w=add(batch_size * learning), mean_w=add(batch_size * learning),
                x=add(x_size if x_for_each else 0))
            for _ in range(n_workers)
        ],
    )
    return offsets._replace(total=parts.total)


cdef rows_at_once(n_in, n_out, itemsize):
    """How many of dW's n_in rows of n_out to compute between two updates."""
    together = COLUMN_AT_ONCE // itemsize
    return min(n_in, max(1, GRADIENT_AT_ONCE // (n_out * itemsize * together)) * together)


cdef others_of(nodes):
    """For each node those that it joins, or those that it forks into; none where there is just one below."""
    found = [list(node.inputs) if len(node.inputs) > 1 or node.kind == "concatenate" else [] for node in nodes]
    for i, node in enumerate(nodes):
        if node.kind == "branch":
            found[node.inputs[0]].append(i)
    return found


cdef gradient_at_once(node, itemsize):
    """How many reals of a node's gradient to compute between two updates."""
    if node.kind == "product":
        return (rows_at_once(node.n_in, node.n_out, itemsize) + 1) * node.n_out     # and the bias
    return node.at_once or (max(node.n_params, 2 * node.n_out) if node.n_params else 0)


cdef work_of(const Kernels* kernels, nodes, batch_size, learns):
    """The reals of working memory that the largest of the products needs."""
    cdef Py_ssize_t m = min(batch_size, 2**31), k, n, most = 0
    for node in nodes:
        if node.kind in ("batch_norm_fixed", "prelu"):      # a number for each column
            most = max(most, node.n_out)
        if node.kind not in ("product", "groups"):
            continue
        parts = 1 if node.kind == "product" else int(node.settings[0])
        k, n = min(node.n_in // parts, 2**31), min(node.n_out // parts, 2**31)
        most = max(most, kernels.product_work(m, n, k))
        if learns:
            most = max(most, kernels.product_work(k, n, m), kernels.product_work(m, k, n))
    return most


cdef alignment_of(total):
    """The bytes at whose multiple the arena starts."""
    return HUGE_PAGE if total >= HUGE_PAGE else ALIGNMENT


cdef char* allocated(total) except? NULL:
    """Memory for the arena wherever it then starts, to be freed; NULL where there is none."""
    return <char*> malloc(total + alignment_of(total)) if total < 2**62 else NULL


cdef char* aligned_in(char* memory, total) except NULL:
    """Where the arena starts."""
    cdef size_t alignment = alignment_of(total)
    cdef char* base = memory + (alignment - <size_t> memory % alignment)
    if alignment == HUGE_PAGE:
        ask_for_huge_pages(base, total)
    return base


cdef inline char* part_at(char* base, offset) except? NULL:
    """Where the part is; NULL for None."""
    return NULL if offset is None else base + <Py_ssize_t> offset


cdef int place_batch(Plan plan, char* base, offsets) except -1:
    """Where the nodes and the batch are, and what each worker works with."""
    cdef Py_ssize_t i
    plan.nodes = <Node*> part_at(base, offsets.nodes)
    plan.metrics = <const Metric**> part_at(base, offsets.metrics)
    plan.elements = Elements(
        values=part_at(base, offsets.x), columns=<Py_ssize_t*> part_at(base, offsets.columns),
        starts=<Py_ssize_t*> part_at(base, offsets.starts), ends=<Py_ssize_t*> part_at(base, offsets.ends))
    plan.y, plan.o = part_at(base, offsets.y), part_at(base, offsets.o)
    plan.scores = <double*> part_at(base, offsets.scores)
    plan.x_for_each = offsets.x_for_each
    plan.workers = <Worker*> part_at(base, offsets.workers)
    for i, own in enumerate(offsets.own):
        plan.workers[i] = Worker(
            work=part_at(base, own.work), dW=part_at(base, own.dW), w=part_at(base, own.w),
            mean_w=part_at(base, own.mean_w), x=part_at(base, own.x if plan.x_for_each else offsets.x),
            met_no_number=False)
    return 0


cdef int place_numbers(Plan plan, char* base, offsets, numbers) except -1:
    """Write the settings of the loss, the metrics and the nodes down, and where those of the first two are."""
    cdef double* settings
    cdef Py_ssize_t i
    for offset, each in zip(offsets.numbers, numbers):
        settings = <double*> part_at(base, offset)
        for i, number in enumerate(each):
            settings[i] = number
    plan.loss_settings = <double*> part_at(base, offsets.numbers[0])
    plan.metric_settings = <double*> part_at(base, offsets.numbers[1])
    return 0


cdef int place_node(Plan plan, char* base, offsets, i, laid, place, last, others) except -1:
    """Node i's sizes, and where its arrays and settings are; `last` is the last node's place."""
    cdef Node* node = &plan.nodes[<Py_ssize_t> i]
    cdef Py_ssize_t j
    node.n_in, node.n_out = laid.n_in, laid.n_out
    x, a, delta, delta_in, own = [None if at is None else offsets.buffers[at] for at in place]
    node.x, node.a = part_at(base, x), part_at(base, a)
    node.delta, node.delta_in = part_at(base, delta), part_at(base, delta_in)
    node.x_is_output = place.x is not None and place.x == last.a
    node.a_is_output = place.a == last.a
    node.own, node.fixed = part_at(base, own), part_at(base, offsets.fixed[i])
    node.settings = <double*> part_at(base, offsets.numbers[2 + i])
    node.n_scheduled = 0 if laid.schedule is None else len(laid.settings)
    node.others = <Node**> part_at(base, offsets.others[i])
    node.n_others = len(others)
    for j, other in enumerate(others):
        node.others[j] = &plan.nodes[<Py_ssize_t> other]
    return 0
