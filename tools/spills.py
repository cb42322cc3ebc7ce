"""Look for spills in the innermost loops of a built kernel module that multiply and add: registers kept on the stack.

    python tools/spills.py src/fastprop/_native/kernels/avx512_f32.*.so

Prints a line for each such loop of the products: its function, how many fused multiply-adds and instructions it has,
and how many of these touch the stack with a vector (a spilt accumulator: there should be none) and with a plain
register (a stride or a bound, which costs nothing beside so many multiply-adds). Wants binutils, x86-64, and a build
without `-Wl,-s` (take it out of setup.py), so that functions have names.
"""

import re
import subprocess
import sys
from collections.abc import Iterator

Instruction = tuple[int, str]  # address, text

PRODUCT = re.compile(r"((strip|asking_tiles|copying_tile)_of_\w+_rows|block|block_in_place)(\.\w+)*$")


def functions(path: str) -> Iterator[tuple[str, list[Instruction]]]:
    """Each function of the module with its instructions."""
    command = ["objdump", "--disassemble", "--no-show-raw-insn", path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for block in text.split("\n\n"):
        if name := re.search(r"<([\w.]+)>:", block):
            yield name[1], [(int(address, 16), code) for address, code in re.findall(r"(?m)^ +(\w+):\s+(.*)$", block)]


def innermost_loops(instructions: list[Instruction]) -> Iterator[list[str]]:
    """The instructions from each backward jump's target to it, where no other jump stands between."""
    place = {address: i for i, (address, _) in enumerate(instructions)}
    for i, (_, code) in enumerate(instructions):
        jump = re.match(r"j\w+\s+(\w+)", code)
        start = place.get(int(jump[1], 16), i) if jump else i
        body = [text for _, text in instructions[start:i]]
        if start < i and not any(re.match(r"j\w+\s", text) for text in body):
            yield [*body, code]


def main(paths: list[str]) -> int:
    spilt = 0
    for path in paths:
        for name, instructions in functions(path):
            if not PRODUCT.search(name):
                continue
            for loop in innermost_loops(instructions):
                multiplies = sum("fmadd" in code for code in loop)
                on_stack = [code for code in loop if "(%rsp" in code or "(%rbp" in code]
                vectors = sum(bool(re.search("%[xyz]mm", code)) for code in on_stack)
                if multiplies:
                    spilt += vectors
                    print(f"{name[name.index('kernels') :]}: {multiplies} multiply-adds of {len(loop)}, on the stack"
                          f" {vectors} vectors, {len(on_stack) - vectors} others")  # fmt: skip
    return 1 if spilt else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
