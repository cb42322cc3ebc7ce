# The kernels of one target and one real type: every text, and the table that the engine reads.
#
# A module that includes this file is a few lines long; setup.py compiles it with the target's flags and macros.

from cpython.pycapsule cimport PyCapsule_New

include "vec.pxi"
include "elementary.pxi"
include "trigonometric.pxi"
include "ahead.pxi"
include "tiles.pxi"
include "product.pxi"
include "sparse.pxi"
include "reductions.pxi"
include "activations.pxi"
include "activations_by_pieces.pxi"
include "activations_by_exp.pxi"
include "activations_gated.pxi"
include "activations_of_rows.pxi"
include "losses.pxi"
include "losses_of_values.pxi"
include "losses_of_counts.pxi"
include "losses_of_classes.pxi"
include "metrics.pxi"
include "random.pxi"
include "operations.pxi"
include "normalization.pxi"
include "learnt.pxi"
include "updates.pxi"
include "rules.pxi"
include "options.pxi"
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
cdef Activation[21] ACTIVATIONS = [
    Activation(b"identity", NO_SLOPE, False, NULL, NULL),
    Activation(b"sigmoid", NO_SLOPE, False, sigmoid_forward, sigmoid_backward),
    Activation(b"tanh", TANH_SLOPE, False, tanh_forward, tanh_backward),
    Activation(b"relu", RELU_SLOPE, False, relu_forward, relu_backward),
    Activation(b"leaky_relu", NO_SLOPE, False, leaky_relu_forward, leaky_relu_backward),
    Activation(b"elu", NO_SLOPE, False, elu_forward, elu_backward),
    Activation(b"selu", NO_SLOPE, False, selu_forward, selu_backward),
    Activation(b"celu", NO_SLOPE, False, celu_forward, celu_backward),
    Activation(b"gelu", NO_SLOPE, True, gelu_forward, gelu_backward),
    Activation(b"silu", NO_SLOPE, True, silu_forward, silu_backward),
    Activation(b"mish", NO_SLOPE, True, mish_forward, mish_backward),
    Activation(b"softplus", NO_SLOPE, False, softplus_forward, softplus_backward),
    Activation(b"softsign", NO_SLOPE, True, softsign_forward, softsign_backward),
    Activation(b"hard_sigmoid", NO_SLOPE, False, hard_sigmoid_forward, hard_sigmoid_backward),
    Activation(b"hard_tanh", NO_SLOPE, False, hard_tanh_forward, hard_tanh_backward),
    Activation(b"hard_swish", NO_SLOPE, True, hard_swish_forward, hard_swish_backward),
    Activation(b"relu6", NO_SLOPE, False, relu6_forward, relu6_backward),
    Activation(b"exponential", NO_SLOPE, False, exponential_forward, exponential_backward),
    Activation(b"softmax", NO_SLOPE, False, softmax_forward, softmax_backward),
    Activation(b"log_softmax", NO_SLOPE, False, log_softmax_forward, log_softmax_backward),
    Activation(NULL, NO_SLOPE, False, NULL, NULL),
]
cdef Loss[22] LOSSES = [
    Loss(b"mse", NULL, mse),
    Loss(b"mae", NULL, absolute_error),
    Loss(b"huber", NULL, huber),
    Loss(b"log_cosh", NULL, log_cosh),
    Loss(b"quantile", NULL, quantile),
    Loss(b"gaussian_nll", NULL, gaussian_nll),
    Loss(b"cosine_similarity", NULL, cosine_similarity),
    Loss(b"poisson", NULL, poisson),
    Loss(b"poisson_deviance", NULL, poisson_deviance),
    Loss(b"gamma", NULL, gamma),
    Loss(b"tweedie", NULL, tweedie),
    Loss(b"cross_entropy", b"softmax", cross_entropy),
    Loss(b"adjusted_cross_entropy", b"softmax", adjusted_cross_entropy),
    Loss(b"kl_divergence", b"softmax", kl_divergence),
    Loss(b"focal", b"softmax", focal),
    Loss(b"binary_cross_entropy", b"sigmoid", binary_cross_entropy),
    Loss(b"adjusted_binary_cross_entropy", b"sigmoid", adjusted_binary_cross_entropy),
    Loss(b"binary_focal", b"sigmoid", binary_focal),
    Loss(b"nll", NULL, nll),
    Loss(b"hinge", NULL, hinge),
    Loss(b"squared_hinge", NULL, squared_hinge),
    Loss(NULL, NULL, NULL),
]
cdef Metric[8] METRICS = [
    Metric(b"categorical_accuracy", categorical_accuracy),
    Metric(b"binary_accuracy", binary_accuracy),
    Metric(b"top_k_accuracy", top_k_accuracy),
    Metric(b"categorical_log_loss", categorical_log_loss),
    Metric(b"binary_log_loss", binary_log_loss),
    Metric(b"mae", mean_absolute_error),
    Metric(b"mse", mean_squared_error),
    Metric(NULL, NULL),
]
cdef Update[16] UPDATES = [
    Update(b"sgd", sgd),
    Update(b"sgd_momentum", sgd_momentum),
    Update(b"sgd_nesterov", sgd_nesterov),
    Update(b"adam", adam),
    Update(b"amsgrad", amsgrad),
    Update(b"nadam", nadam),
    Update(b"adamax", adamax),
    Update(b"adagrad", adagrad),
    Update(b"adadelta", adadelta),
    Update(b"rmsprop", rmsprop),
    Update(b"rmsprop_momentum", rmsprop_momentum),
    Update(b"rmsprop_centered", rmsprop_centered),
    Update(b"rmsprop_centered_momentum", rmsprop_centered_momentum),
    Update(b"rprop", rprop),
    Update(b"lion", lion),
    Update(NULL, NULL),
]

cdef Operation[23] OPERATIONS = [
    Operation(b"elementwise_sum", elementwise_sum),
    Operation(b"elementwise_product", elementwise_product),
    Operation(b"masked", masked),
    Operation(b"weighted_sum", weighted_sum),
    Operation(b"column_moments", column_moments),
    Operation(b"column_dots", column_dots),
    Operation(b"inverse_deviations", inverse_deviations),
    Operation(b"standardize_columns", standardize_columns),
    Operation(b"affine_columns", affine_columns),
    Operation(b"batch_norm_backward", batch_norm_backward),
    Operation(b"normalize_rows", normalize_rows),
    Operation(b"normalize_rows_backward", normalize_rows_backward),
    Operation(b"prelu", prelu),
    Operation(b"prelu_backward", prelu_backward),
    Operation(b"negative_dots", negative_dots),
    Operation(b"row_sums", row_sums),
    Operation(b"blend", blend),
    Operation(b"blend_backward", blend_backward),
    Operation(b"smooth_clip", smooth_clip),
    Operation(b"smooth_clip_backward", smooth_clip_backward),
    Operation(b"waves", waves),
    Operation(b"waves_backward", waves_backward),
    Operation(NULL, NULL),
]

cdef Kernels TABLE
TABLE.itemsize = sizeof(real)
TABLE.product = product
TABLE.product_work = product_work
TABLE.sparse_product = sparse_product
TABLE.sparse_gradient = sparse_gradient
TABLE.column_sums = column_sums
TABLE.weight_sum = weight_sum
TABLE.all_finite = all_finite
TABLE.add_to = add_to
TABLE.squares = squares
TABLE.magnitudes = magnitudes
TABLE.shape_gradient = shape_gradient
TABLE.average = average
TABLE.limit_columns = limit_columns
TABLE.gather = gather
TABLE.expect = expect
TABLE.gather_one_hot = gather_one_hot
TABLE.gather_sparse = gather_sparse
TABLE.random_mask = random_mask
TABLE.shuffle = shuffle
TABLE.elementwise_sum = elementwise_sum
TABLE.elementwise_product = elementwise_product
TABLE.masked = masked
TABLE.weighted_sum = weighted_sum
TABLE.column_moments = column_moments
TABLE.column_dots = column_dots
TABLE.inverse_deviations = inverse_deviations
TABLE.standardize_columns = standardize_columns
TABLE.affine_columns = affine_columns
TABLE.batch_norm_backward = batch_norm_backward
TABLE.normalize_rows = normalize_rows
TABLE.normalize_rows_backward = normalize_rows_backward
TABLE.prelu = prelu
TABLE.prelu_backward = prelu_backward
TABLE.negative_dots = negative_dots
TABLE.row_sums = row_sums
TABLE.blend = blend
TABLE.blend_backward = blend_backward
TABLE.smooth_clip = smooth_clip
TABLE.smooth_clip_backward = smooth_clip_backward
TABLE.waves = waves
TABLE.waves_backward = waves_backward
TABLE.operations = &OPERATIONS[0]
TABLE.fma_chains = fma_chains
TABLE.fma_lanes = TILE_ROWS * TILE_COLUMNS
TABLE.elementaries = &ELEMENTARIES[0]
TABLE.activations = &ACTIVATIONS[0]
TABLE.losses = &LOSSES[0]
TABLE.metrics = &METRICS[0]
TABLE.updates = &UPDATES[0]

capsule = PyCapsule_New(&TABLE, "fastprop kernels", NULL)
