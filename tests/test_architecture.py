"""The house's rules as data: which file may import which, and what no kernel may contain."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import fastprop as fp
from processes import run_python

SOURCE = Path(__file__).parents[1] / "src" / "fastprop"  # the clone: an installed package has no Cython text
NATIVE = SOURCE / "_native"

# The staircase of docs/architecture.md, from the ground up. A module imports from its own step and those below it.
STAIRCASE = [
    {"_version"},
    {"_native"},  # floors 0 and 1, which have a test of their own below
    {"_arithmetic", "_checks", "_distributions", "_plans", "_slices", "_values", "datasets"},
    {"activations", "initializers", "layers", "losses", "machine", "metrics", "schedules"},
    {"columns", "optimizers", "serialization"},
    {"_views"},
    {"model"},
    {
        *{"_memory", "_rows", "_scores", "_snapshots", "_sources", "_training", "callbacks", "history", "progress"},
        *{"derivatives", "gradients", "learning_rates", "minimization", "tabular", "trainer"},
    },
    {"cli", "csv_files", "demo", "__main__", "sklearn", "__init__"},
]
STEP = {name: number for number, step in enumerate(STAIRCASE) for name in step}
FILES = {
    path: relative.parts[0].removesuffix(".py")  # the module, or the package that the file is a part of
    for path in SOURCE.rglob("*.py")
    if "__pycache__" not in (relative := path.relative_to(SOURCE)).parts
}


def imports(path: Path, for_types: bool = True) -> set[str]:
    """The modules of the package that a file imports, inside functions too, each by its first name; also those that
    only annotations name?
    """
    found = set()
    tree = ast.parse(path.read_text())
    if not for_types:
        tree.body = [node for node in tree.body if not is_for_types(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: relative imports hide which floor they lead to"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "fastprop":
                first = rest.partition(".")[0]
                found.add(first if first in STEP else "__init__")
    return found


def is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_every_file_stands_on_a_step():
    """A new one must find its place before it can be imported."""
    assert set(FILES.values()) <= STEP.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_import_goes_up(path):
    """A file imports from its step and those below; late imports, inside functions, count as well."""
    module = FILES[path]
    up = {name for name in imports(path) if STEP[name] > STEP[module]}
    assert not up, f"{path.name} on step {STEP[module]} imports {sorted(up)} from above"


def test_imports_within_a_step_make_no_circle():
    """So that every module can be read, and imported, after those it needs."""
    graph = {module: set() for module in FILES.values()}
    for path, module in FILES.items():
        graph[module] |= imports(path, for_types=False) - {module}
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_the_test_of_imports_sees_them(tmp_path):
    """All forms, and those inside functions."""
    path = tmp_path / "x.py"
    path.write_text(
        "import fastprop\nimport fastprop.model as m\nfrom fastprop import trainer, load\nimport numpy\n"
        "def f():\n    from fastprop._native.engine import Plan\n    from fastprop.cli import main\n"
    )
    assert imports(path) == {"__init__", "model", "trainer", "_native", "cli"}


def test_import_brings_nothing_that_only_some_calls_need():
    """`import fastprop` is to take little longer than `import numpy`: these have taken as long as all its own files."""
    late = {"concurrent.futures", "difflib", "hashlib", "importlib.resources", "json", "pathlib", "safetensors"}
    code = "import sys, numpy; before = set(sys.modules); import fastprop; print(*(set(sys.modules) - before))"
    brought = set(run_python(code).stdout.split())
    assert "fastprop.model" in brought
    assert not late & brought


def code_of(path: Path) -> str:
    """Cython without comments and texts."""
    text = re.sub(r'""".*?"""', '""', path.read_text(), flags=re.DOTALL)
    text = re.sub(r'"[^"\n]*"', '""', text)
    return re.sub(r"#.*", "", text)


CYTHON = sorted(path for ending in ("pyx", "pxd", "pxi") for path in NATIVE.rglob(f"*.{ending}"))
KERNELS = sorted((NATIVE / "kernels").glob("*.pxi"))
each_cython_file = pytest.mark.parametrize("path", CYTHON, ids=lambda path: path.name)
each_kernel_file = pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.name)


@each_cython_file
def test_kernels_know_nothing_of_what_stands_above_them(path):
    """Floor 0 takes nothing from floor 1, and floor 1 takes nothing from Python's floors."""
    floor = "kernels." if path.parent.name == "kernels" else ""
    for module in re.findall(r"\bfrom\s+(fastprop[\w.]*)\s+c?import\b|\bc?import\s+(fastprop[\w.]*)", code_of(path)):
        assert "".join(module).startswith(f"fastprop._native.{floor}"), f"{path.name} imports {''.join(module)}"


@each_cython_file
def test_numpy_is_not_cimported(path):
    """Buffers come through the buffer protocol: nothing is bound to one NumPy's ABI."""
    assert not re.search(r"\bcimport\s+numpy\b|\bfrom\s+numpy\s+cimport\b", code_of(path))


@each_cython_file
def test_no_range_has_a_step_known_only_at_run_time(path):
    """Cython then makes a slow loop that tests the step's sign at each turn: `while` is used instead."""
    for call in re.finditer(r"\brange\(", code_of(path)):
        arguments = split_arguments(code_of(path)[call.end() :])
        assert len(arguments) < 3 or re.fullmatch(r"\s*-?\d+\s*", arguments[2]), f"range({', '.join(arguments)})"


def split_arguments(text: str) -> list[str]:
    """Up to the closing bracket, at the commas outside of inner ones."""
    arguments, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if depth < 0:
            break
        if character == "," and depth == 0:
            arguments.append("")
        else:
            arguments[-1] += character
    return arguments


@each_kernel_file
def test_no_kernel_counts_in_a_c_int(path):
    """Rows times columns outgrow 32 bits: sizes and indices are Py_ssize_t."""
    code = code_of(path)
    assert not re.search(r"\b(int|unsigned|short|long)\b", code)


@each_kernel_file
def test_kernels_hold_no_objects_and_take_no_memory(path):
    """Floor 0 is arithmetic: what can fail is done above it."""
    code = code_of(path)
    assert not re.search(r"\b(malloc|calloc|realloc|free|raise|except|object|list|dict|with gil)\b", code)
    functions = re.findall(r"^cdef [^=\n(]*\w+\((?:[^()]|\([^()]*\))*\)([^:]*):", code, flags=re.MULTILINE)
    assert all(ending.split() == ["noexcept", "nogil"] for ending in functions), functions


@pytest.mark.parametrize(
    "path", [*FILES, *(p for p in CYTHON if p.parent == NATIVE)], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_no_instruction_set_is_named_above_the_kernels(path):
    """Targets are data there: a new one needs no change above floor 0."""
    code = spoken(path) if path.suffix == ".py" else code_of(path)
    assert not re.search(r"\b(avx|neon|sse)", code, flags=re.IGNORECASE)


def spoken(path: Path) -> str:
    """The texts in a Python file that are no docstrings."""
    tree = ast.parse(path.read_text())
    documented = (node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)))
    docs = {id(node.body[0].value) for node in documented if ast.get_docstring(node)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return "\n".join(node.value for node in texts if id(node) not in docs)


# What is public


PUBLIC = [name for name in fp.__all__ if not name.startswith("__")]
CLASSES = [name for name in PUBLIC if isinstance(getattr(fp, name), type)]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name):
    """`help(fastprop.X)` says what X is; its own words, not those it inherits."""
    value = getattr(fp, name)
    assert (vars(value)["__doc__"] or "").strip() if isinstance(value, type) else (value.__doc__ or "").strip()
    assert not isinstance(value, type) or not value.__doc__.startswith(f"{name}("), "that is dataclass's own text"


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_method_is_documented(name):
    """Properties may be described in their class's text, under Attributes."""
    cls = getattr(fp, name)
    for attribute, value in vars(cls).items():
        if attribute.startswith("_") or not callable(getattr(value, "__func__", value)):
            continue
        documented = any(getattr(vars(base).get(attribute), "__doc__", None) for base in cls.__mro__)
        assert documented, f"{name}.{attribute} has no docstring"


def test_public_names_are_sorted_and_there():
    """`from fastprop import *` works, and each name stands once."""
    assert len(set(fp.__all__)) == len(fp.__all__)
    assert all(hasattr(fp, name) for name in fp.__all__)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_module_says_what_it_is(path):
    """A file opens with what it is and what it leaves to others."""
    assert ast.get_docstring(ast.parse(path.read_text())) or path.name == "_version.py"


def test_submodules_name_what_is_public_in_them():
    """Each module among the public names has an __all__ that exists and is documented."""
    for name in PUBLIC:
        module = getattr(fp, name)
        if isinstance(module, ModuleType):
            for inner in module.__all__:
                assert getattr(module, inner).__doc__, f"{name}.{inner}"
