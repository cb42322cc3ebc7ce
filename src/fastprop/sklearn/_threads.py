"""threadpoolctl's view of fastprop's threads, so that `threadpool_limits` limits them too."""

from threadpoolctl import LibController, register

import fastprop as fp

__all__ = ["FastpropController"]


class FastpropController(LibController):
    """fastprop among the libraries that threadpoolctl finds in the process, by one of its modules."""

    user_api = "fastprop"
    internal_api = "fastprop"
    filename_prefixes = ("float_environment",)
    check_symbols = ("PyInit_float_environment",)

    def get_num_threads(self) -> int:
        return fp.num_threads()

    def set_num_threads(self, num_threads: int) -> None:
        fp.set_num_threads(num_threads)

    def get_version(self) -> str:
        return fp.__version__

    def set_additional_attributes(self) -> None:
        self.target = fp.target()


register(FastpropController)
