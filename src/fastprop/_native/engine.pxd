"""What a Plan is made of."""

from fastprop._native.kernels.table cimport Activation, Kernels, Loss, Metric, Update

ctypedef struct Layer:
    # One dense layer. W and b count reals from the start of theta, and of grad alike.
    Py_ssize_t n_in
    Py_ssize_t n_out
    Py_ssize_t W                    # (n_in, n_out)
    Py_ssize_t b                    # (n_out,); -1 without a bias
    const Activation* activation
    const char* a_in                # (m, n_in), the layer below's output, or x; not a copy
    char* a                         # (m, n_out): z while the product runs, then f(z) in its place
    Py_ssize_t rows_at_once         # of dW between two updates
    char* delta                     # (m, n_out): dC/da, then dC/dz; layers take turns at two buffers


ctypedef struct Rows:
    # The rows of a data set, as the caller's arrays hold them, and the order to take them in.
    const char* X
    char x_kind
    Py_ssize_t[2] x_strides
    bint x_in_place                 # X is a matrix of the network's own reals already
    const char* Y                   # NULL where only the outputs are wanted
    char y_kind
    Py_ssize_t[2] y_strides
    bint y_labels                   # Y holds class labels in int64
    const char* w                   # a weight per row; NULL for 1
    char w_kind
    Py_ssize_t w_stride
    const Py_ssize_t* order         # NULL for the order they stand in
    Py_ssize_t count


ctypedef struct Rule:
    # An optimizer at work: what it changes and by which numbers.
    const Update* update
    char* theta
    char* state                     # NULL for a rule that remembers nothing
    const double* settings
    Py_ssize_t step


cdef class Plan:
    cdef readonly Py_ssize_t batch_size
    cdef readonly Py_ssize_t n_params
    cdef const Kernels* kernels
    cdef const Loss* loss           # NULL for a plan that only predicts
    cdef const Metric** metrics
    cdef Py_ssize_t n_metrics
    cdef double threshold           # between the two classes of a binary output
    cdef char kind                  # of the network's reals: f or d
    cdef Py_ssize_t n_layers
    cdef Layer* layers
    cdef char* memory               # one allocation, which the buffers below and those of the layers share
    cdef char* x                    # (m, n_inputs)
    cdef char* y                    # (m, n_outputs)
    cdef char* w                    # (m,)
    cdef char* o                    # (m, n_outputs): the output, where only the loss computes it
    cdef char* dW                   # a layer's gradient, or as much of it as is wanted at once
    cdef char* work                 # the products' panels

    cdef void load(self, const Rows* rows, Py_ssize_t first, Py_ssize_t m) noexcept nogil
    cdef void forward(self, const char* theta, Py_ssize_t m, bint to_output) noexcept nogil
    cdef double score(self, const Rows* rows, Py_ssize_t m, double* totals) noexcept nogil
    cdef void backward(self, const char* theta, char* grad, Rule* rule, Py_ssize_t m) noexcept nogil
    cdef void weight_gradient(self, Layer* layer, char* dW, Py_ssize_t first, Py_ssize_t count,
                              Py_ssize_t m) noexcept nogil
    cdef void learn(self, Layer* layer, Rule* rule, Py_ssize_t m) noexcept nogil
    cdef void update(self, Rule* rule, Py_ssize_t first, Py_ssize_t count) noexcept nogil
    cdef void train_batches(self, const Rows* rows, Rule* rule, Py_ssize_t first, Py_ssize_t last,
                            double* totals) noexcept nogil
