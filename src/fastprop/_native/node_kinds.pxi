# Every kind of node: its name, and what it does in each pass; NULL where it has no part in one.

cdef Kind[14] KINDS = [
    Kind(b"product", product_forward, product_backward, product_learn),
    Kind(b"activation", activation_forward, activation_backward, NULL),
    Kind(b"function", function_forward, function_backward, NULL),
    Kind(b"copy", copy_forward, copy_backward, NULL),
    Kind(b"fork", nothing, fork_backward, NULL),
    Kind(b"branch", nothing, NULL, NULL),
    Kind(b"add", add_forward, add_backward, NULL),
    Kind(b"concatenate", concatenate_forward, concatenate_backward, NULL),
    Kind(b"dropout", dropout_forward, dropout_backward, NULL),
    Kind(b"batch_norm", batch_norm_forward, batch_norm_backward, batch_norm_learn),
    Kind(b"batch_norm_fixed", batch_norm_fixed_forward, batch_norm_fixed_backward, normalized_learn),
    Kind(b"layer_norm", layer_norm_forward, layer_norm_backward, normalized_learn),
    Kind(b"affine", affine_forward, affine_backward, affine_learn),
    Kind(NULL, NULL, NULL, NULL),
]
