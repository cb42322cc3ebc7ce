# The kernels of one target and one real type: every text, and the table that the engine reads.
#
# A module that includes this file is a few lines long; setup.py compiles it with the target's flags and macros.

from cpython.pycapsule cimport PyCapsule_New

include "vec.pxi"
include "elementary.pxi"
include "trigonometric.pxi"
include "product.pxi"
include "reductions.pxi"
include "activations.pxi"
include "losses.pxi"
include "metrics.pxi"
include "updates.pxi"
include "gather.pxi"
include "peak.pxi"

from fastprop._native.kernels.table cimport Activation, Elementary, Kernels, Loss, Metric, Update

# The lists that tie a description's name to its kernels. A new one stands here and nowhere else on this floor.

cdef Elementary[11] ELEMENTARIES = [
    Elementary(b"exp", exp_of),
    Elementary(b"expm1", expm1_of),
    Elementary(b"log", log_of),
    Elementary(b"log1p", log1p_of),
    Elementary(b"tanh", tanh_of),
    Elementary(b"sigmoid", sigmoid_of),
    Elementary(b"softplus", softplus_of),
    Elementary(b"erf", erf_of),
    Elementary(b"sin", sin_of),
    Elementary(b"cos", cos_of),
    Elementary(NULL, NULL),
]
cdef Activation[6] ACTIVATIONS = [
    Activation(b"identity", False, NULL, NULL),
    Activation(b"sigmoid", False, sigmoid_forward, sigmoid_backward),
    Activation(b"tanh", False, tanh_forward, tanh_backward),
    Activation(b"relu", False, relu_forward, relu_backward),
    Activation(b"softmax", False, softmax_forward, softmax_backward),
    Activation(NULL, False, NULL, NULL),
]
cdef Loss[4] LOSSES = [
    Loss(b"mse", NULL, mse),
    Loss(b"cross_entropy", b"softmax", cross_entropy),
    Loss(b"binary_cross_entropy", b"sigmoid", binary_cross_entropy),
    Loss(NULL, NULL, NULL),
]
cdef Metric[4] METRICS = [
    Metric(b"categorical_accuracy", categorical_accuracy),
    Metric(b"binary_accuracy", binary_accuracy),
    Metric(b"mae", mae),
    Metric(NULL, NULL),
]
cdef Update[4] UPDATES = [
    Update(b"sgd", sgd),
    Update(b"sgd_momentum", sgd_momentum),
    Update(b"sgd_nesterov", sgd_nesterov),
    Update(NULL, NULL),
]

cdef Kernels TABLE
TABLE.itemsize = sizeof(real)
TABLE.product = product
TABLE.product_work = product_work
TABLE.column_sums = column_sums
TABLE.weight_sum = weight_sum
TABLE.all_finite = all_finite
TABLE.gather = gather
TABLE.gather_one_hot = gather_one_hot
TABLE.fma_chains = fma_chains
TABLE.fma_lanes = TILE_ROWS * TILE_COLUMNS
TABLE.elementaries = &ELEMENTARIES[0]
TABLE.activations = &ACTIVATIONS[0]
TABLE.losses = &LOSSES[0]
TABLE.metrics = &METRICS[0]
TABLE.updates = &UPDATES[0]

capsule = PyCapsule_New(&TABLE, "fastprop kernels", NULL)
