"""What a Plan is made of."""

from libc.stdint cimport int64_t, uint64_t

from fastprop._native.arrays cimport Array
from fastprop._native.kernels.table cimport (
    Activation, Ahead, Finish, Gradient, Kernels, Loss, Metric, Part, Update)

cdef extern from "huge_pages.h":
    enum:
        HUGE_PAGE
    void ask_for_huge_pages(void* p, size_t n) noexcept nogil

cdef extern from "team.h":
    ctypedef struct team:
        pass
    void team_open(team* t, int64_t most) noexcept nogil
    void team_gather(team* t, int64_t patience) noexcept nogil
    void team_close(team* t) noexcept nogil
    int64_t team_enter(team* t) noexcept nogil
    int64_t team_size(team* t) noexcept nogil
    bint team_meet(team* t) noexcept nogil
    void team_go_on(team* t, bint admit) noexcept nogil
    int64_t atomic_increment(int64_t* p) noexcept nogil
    void atomic_set(int64_t* p, int64_t value) noexcept nogil
    double seconds_now() noexcept nogil

cdef struct Share

cdef struct Node

cdef struct Kind:
    # What nodes of that name do; a pass that they have no part in is NULL.
    const char* name
    void (*forward)(Node* node, const Share* share) noexcept nogil
    void (*backward)(Node* node, const Share* share) noexcept nogil
    void (*learn)(Node* node, const Share* share) noexcept nogil

cdef struct Node:
    # One operation of the network, in the order of the forward pass: x (m, n_in) becomes a (m, n_out), then dC/da
    # becomes dC/dx, and the node's parameters learn. What a kind of node does is in nodes.pxi, and a pass that it has
    # no part in is NULL. Parameters count reals from the start of theta, and of grad alike.
    void (*forward)(Node* node, const Share* share) noexcept nogil
    void (*backward)(Node* node, const Share* share) noexcept nogil
    void (*learn)(Node* node, const Share* share) noexcept nogil
    Py_ssize_t n_in
    Py_ssize_t n_out
    const char* x                   # (m, n_in): NULL for the batch's own
    char* a                         # (m, n_out): may be x's memory
    bint x_is_output                # x, or a, is the network's output, which goes where the caller wants it
    bint a_is_output
    char* delta                     # (m, n_out): dC/da
    char* delta_in                  # (m, n_in): dC/dx, which may be delta's memory; NULL where nobody needs it
    Py_ssize_t W                    # its first parameter: of a product (n_in, n_out)
    Py_ssize_t b                    # of a product (n_out,); -1 without a bias
    Py_ssize_t array                # the number of its first among the network's parameter arrays, in theta's order
    Py_ssize_t rows_at_once         # of dW between two updates
    void (*gradient_rows)(Node* node, const Share* share, char* dW, Py_ssize_t first, Py_ssize_t count) noexcept nogil
    bint few_rows                   # whether the dW of a few rows of x may be multiplied within the update
    bint rectifies                  # a product that does the part of the relu above it
    const Node* product             # of a relu: the one that does its part
    const Node* below               # of a product that steps back through the activation below it: that one; else NULL
    const Activation* activation
    double* settings
    Py_ssize_t n_scheduled          # how many of them change from batch to batch: all or none
    Py_ssize_t buffer               # its first number that is not trained, counted from the start of them
    Py_ssize_t number               # of the nodes that draw random numbers, which one
    Node** others                   # a fork's branches, or all that a node joins
    Py_ssize_t n_others
    char* own                       # memory for each row, as the kind needs it
    Py_ssize_t capacity             # the most rows
    char* fixed                     # and memory besides
    void* functions                 # Python's, forward and back, which the plan holds
    void* plan                      # that calls them


ctypedef struct Worker:
    # The memory that a thread has for itself.
    char* work                      # the products' panels
    char* dW                        # a layer's gradient, or as much of it as is wanted at once
    char* x                         # (m, n_inputs): the batch, or its own rows of it; may be all workers' memory
    char* w                         # (m,): the weights of a batch's rows
    char* mean_w                    # (m,): those by whose sum the loss is divided, where they are others
    bint met_no_number              # among the x to predict from: nan, or infinite in the network's type


ctypedef struct Rows:
    # The rows of a data set, as the caller's arrays hold them, and the order to take them in.
    const char* X
    char x_kind
    Py_ssize_t[2] x_strides
    bint x_in_place                 # X is a matrix of the network's own reals already, taken in its own order
    bint scattered                  # X is large, each of its rows in one place, the next not to be guessed
    const char* columns             # of a sparse X, whose elements X then holds one after the other; else NULL
    bint columns_wide               # in 64 bits, not 32
    const int64_t* row_starts       # (count + 1,): each row's first element, and the end
    const char* Y                   # NULL where only the outputs are wanted
    char y_kind
    Py_ssize_t[2] y_strides
    bint y_labels                   # Y holds class labels in int64
    const char* w                   # a weight per row; NULL for 1
    char w_kind
    Py_ssize_t w_stride
    const char* mean_w              # by whose sum the loss is divided; NULL where that is w
    char mean_w_kind
    Py_ssize_t mean_w_stride
    const Py_ssize_t* order         # NULL for the order they stand in; else that of one epoch after the other
    Py_ssize_t count                # of an epoch
    Py_ssize_t n_ordered            # of all the epochs in the order


ctypedef struct Rule:
    # An optimizer at work: what it changes and by which numbers. Parameter arrays of one group have the same.
    const Update* update
    char* theta
    char* state                     # (n_states, stride)
    Py_ssize_t stride
    const double* settings          # (n_rows, n_groups, n_settings): of the first steps; later ones have the last row's
    const double* options           # (n_rows, n_groups, N_OPTIONS); NULL where none is wanted
    Py_ssize_t n_rows
    Py_ssize_t n_groups
    Py_ssize_t n_settings
    Py_ssize_t row                  # of the step at hand
    const int64_t* groups           # (n_arrays,): each parameter array's; -1 where it stays as it is
    const int64_t* arrays           # (n_arrays, N_PLACE): where each is
    Py_ssize_t n_arrays
    int64_t* steps                  # (STEPS_OF_ARRAYS + n_arrays,)
    Py_ssize_t accumulate           # batches to a step
    bint shapes                     # what is done to a gradient before the rule: a scale, limits, a pull
    bint measures                   # norms
    bint limits                     # what is done to theta after it: weights' norms
    char* average                   # a moving one of theta; NULL for none
    char* gradient                  # where it is written down, summed over batches; NULL where nobody needs it whole
    char* batch_gradient            # of one batch, to be added to it
    double* squares                 # sums of the gradient's squares, over blocks of each array
    double* factors                 # (n_arrays,): what norms ask the gradients to be multiplied with


ctypedef struct Objective:
    # What steps go down, loss and penalty: sums over batches, and what the penalty is computed from.
    double* totals                  # (n_epochs, 2): batches' objectives times their rows, and the rows; or NULL
    const int64_t* arrays           # (n_arrays, 2): each parameter array's start in theta, and size
    double* squares                 # sums over blocks of each array
    double* magnitudes


ctypedef struct Elements:
    # Of a batch's sparse x: row i has values[starts[i]:ends[i]], in columns of those numbers.
    char* values
    Py_ssize_t* columns
    Py_ssize_t* starts              # (m,)
    Py_ssize_t* ends                # (m,)


cdef struct Share:
    # A worker's part of a batch: its rows, among the batch's; and what it works with.
    Py_ssize_t epoch                # of those in the order
    Py_ssize_t begin                # of the batch, in the order
    Py_ssize_t m
    Py_ssize_t first                # of the worker's, in the batch
    Py_ssize_t count
    Py_ssize_t x_first              # of those of x that the worker gathers: its own, or all
    Py_ssize_t x_count
    Py_ssize_t worker
    Py_ssize_t n_workers
    bint by_columns                 # products are shared by columns, not by rows
    team* team
    const Kernels* kernels
    Worker* own
    const char* theta
    char* buffers                   # the numbers that are not trained
    uint64_t seed                   # of the random numbers drawn in training
    uint64_t step                   # since training began
    const char* x                   # (m, n_inputs): the batch
    Ahead* ahead                    # the worker's rows of the next batch, as far as they are still to be asked for
    Elements* elements              # instead, where it is sparse
    char* out                       # (m, n_outputs): where the output goes; NULL for the last node's own memory
    Rule* rule                      # by which theta learns
    char* grad                      # filled instead, where the whole gradient is wanted
    char* outputs                   # (rows, n_outputs): where a copy of all rows' outputs goes; NULL for nowhere


cdef class Plan:
    cdef readonly Py_ssize_t batch_size
    cdef readonly Py_ssize_t n_params
    cdef readonly Py_ssize_t n_workers
    cdef readonly tuple schedules   # of the nodes' settings that change from batch to batch, in the nodes' order
    cdef object first_settings      # those for the first batch of a training, (1, n)
    cdef const Kernels* kernels
    cdef const Loss* loss           # NULL for a plan without one
    cdef object pace                # how many workers steps are left to
    cdef object function            # in place of the loss's kernel; else None
    cdef list functions             # of nodes
    cdef bint calls_python          # there are some
    cdef object error               # what one of them raised
    cdef bint failed                # whether one did
    cdef double* loss_settings
    cdef double loss_factor
    cdef Py_ssize_t n_targets       # of the loss: columns of y
    cdef const Metric** metrics
    cdef double* metric_settings    # one for each: a threshold, a number of classes
    cdef Py_ssize_t n_metrics
    cdef char kind                  # of the network's reals: f or d
    cdef Py_ssize_t n_inputs
    cdef Py_ssize_t n_outputs
    cdef Py_ssize_t n_nodes
    cdef Node* nodes
    cdef Worker* workers
    cdef char* memory               # one allocation, which all buffers share
    cdef bint x_for_each            # each worker has memory of its own for all of x
    cdef Elements elements          # of a sparse x
    cdef Py_ssize_t n_elements      # of a batch, at most; -1 for plans of dense x
    cdef char* y                    # (m, n_targets)
    cdef char* o                    # (m, n_outputs): the output, where only the loss computes it, if asked; else NULL
    cdef object dtype               # of the network's reals, for NumPy
    cdef int64_t callers            # of `answer`, of whom the first is served
    cdef double* scores             # (1 + n_metrics, batch_size): each row's loss, then each metric's, weighted

    cdef const Activation* activation(self, name) except NULL
    cdef int set_kind(self, Node* node, laid) except -1
    cdef void fuse(self, Node* node, Node* below) noexcept
    cdef void load(self, const Rows* rows, Share* share) noexcept nogil
    cdef void expect(self, const Rows* rows, const Share* share) noexcept nogil
    cdef void load_sparse(self, const Rows* rows, Share* share) noexcept nogil
    cdef bint all_finite(self, const Share* share) noexcept nogil
    cdef void forward(self, const Share* share, Py_ssize_t first) noexcept nogil
    cdef bint forward_of_finite(self, const Share* share) noexcept nogil
    cdef double weight(self, const Rows* rows, const Share* share, double before) noexcept nogil
    cdef double mean_weight(self, const Rows* rows, const Share* share, double before) noexcept nogil
    cdef void score(self, const Rows* rows, const Share* share) noexcept nogil
    cdef void multiply_losses(self, Py_ssize_t first, Py_ssize_t count) noexcept nogil
    cdef void call_function(self, const Rows* rows, const Share* share) noexcept with gil
    cdef copied(self, const char* reals, shape)
    cdef void look(self, const Rows* rows, const Share* share) noexcept nogil
    cdef void backward(self, const Share* share) noexcept nogil
    cdef void copy_input_delta(self, const Share* share, char* to, Py_ssize_t row) noexcept nogil
    cdef void step_back_from_each_output(self, const Share* share, char* J) noexcept nogil
    cdef void learn(self, const Share* share) noexcept nogil
