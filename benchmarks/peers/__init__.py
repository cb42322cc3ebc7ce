"""The peers: each a module of this package, used as its own users would use it at its best.

A module has some of these, and is imported only in the process that measures it:

    DISTRIBUTIONS                              of which it says the versions
    set_threads(count)                         where environment variables are not enough
    Training(case, theta, X, y, learning_rate) a network in training, its memory and its copies of the data made
        .epoch(order)                          a step for each batch of the rows in this order, finished on return;
                                               order None: in one that the peer draws, as in its users' training
        .epochs(count)                         several, where that takes no loop of the users' own
        .theta()                               the parameters, layer by layer W (n_in, n_out) then b (n_out,)
    predictor(case, theta)                     a function from x to the outputs, NumPy arrays both
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """`label` is how tables call it; `recipes` says whether it trains with dropout, Adam and a schedule of each step;
    `asked` ones are measured only when --peers names them.
    """

    label: str
    module: str
    trains: bool = True
    predicts: bool = True
    recipes: bool = False
    asked: bool = False


PEERS = {
    "fastprop": Peer("fastprop", "peers.ours", recipes=True),
    "numpy": Peer("NumPy", "peers.hand_numpy"),
    "torch": Peer("PyTorch", "peers.pytorch", recipes=True),
    "torchscript": Peer("TorchScript", "peers.torchscript", trains=False),
    "torch-compile": Peer("torch.compile", "peers.torch_compile", predicts=False, recipes=True, asked=True),
    "jax": Peer("JAX", "peers.jax_scan", recipes=True),
    "sklearn": Peer("scikit-learn", "peers.scikit"),
    "onnxruntime": Peer("ONNX Runtime", "peers.onnx_runtime", trains=False),
}
