"""PyTorch in the same process, with its threads started and its own idea of subnormals, changes no bit."""

from processes import run_python


def test_the_golden_hashes_do_not_change_beside_pytorch() -> None:
    code = """
import torch
torch.set_num_threads(2)
torch.set_flush_denormal(True)
torch.randn(300, 300) @ torch.randn(300, 300)
import golden
golden.check((1, 2))
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr
